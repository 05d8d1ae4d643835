package tracker

import (
	"strings"
	"time"

	"runsheet"
)

// endings is what the lines of a log say of how a training ended, in the words of frameworks whose files do not say it.
// The trackers of those files ask for it.
type endings struct {
	CatBoost  ending `json:"catboost,omitzero"`
	Lightning ending `json:"lightning,omitzero"`
	Keras     ending `json:"keras,omitzero"`
	SB3       ending `json:"sb3,omitzero"`  // stable-baselines3
	YOLO      ending `json:"yolo,omitzero"` // Ultralytics and YOLOv5
}

// ending is how a training ended.
type ending struct {
	Said     bool  `json:"said,omitzero"` // there are lines of such a training
	Early    bool  `json:"early,omitzero"`
	Finished bool  `json:"finished,omitzero"`
	Epochs   int64 `json:"epochs,omitzero"` // how many there are in all; 0: not said
	Steps    int64 `json:"steps,omitzero"`  // likewise
}

// line takes a line in. Most are told apart by a byte.
func (e *endings) line(text string) {
	switch text[0] {
	case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'S':
		e.CatBoost.catboost(text)
		e.YOLO.yolo(text)
		e.SB3.sb3(text)
	case 'E':
		e.YOLO.yolo(text)
		e.Keras.keras(text)
	case '|':
		e.SB3.sb3(text)
	}
	e.Lightning.lightning(text)
}

// catboost: "12:\tlearn: 0.1\t..." for an iteration, and in the end "Stopped by overfitting detector  (10 iterations wait)"
// (catboost 1.2.10, catboost/libs/train_lib). A further fold or training begins with an iteration again.
func (e *ending) catboost(text string) {
	if strings.HasPrefix(text, "Stopped by overfitting detector") {
		*e = ending{Said: true, Early: true}
	} else if i := strings.IndexByte(text, ':'); i > 0 && i+1 < len(text) && text[i+1] == '\t' {
		*e = ending{Said: true}
	}
}

// writing is how much later than a training's log its files may have changed, if they are of one training.
const writing = time.Minute

// ended returns what the logs of the run say of how the training ended whose files last changed at the given time: what
// the newest log says that says anything of such a training. Logs that were left long before are of another one.
func (ev *Evidence) ended(spec runsheet.ProgressSpec, last time.Time, of func(*endings) ending) (ending, error) {
	ours, strangers := ev.logFiles(spec)
	for _, list := range []func() ([]string, error){ours, strangers} {
		rels, err := list()
		if err != nil {
			return ending{}, err
		}
		for _, rel := range rels {
			st, err := ev.Look(rel)
			ev.Witness(rel)
			if err != nil || st.Kind != Regular || stampTime(st.MTime).Add(writing).Before(last) {
				continue
			}
			var s *logState
			if err := ev.silently(func() (err error) { s, err = ev.readLog(rel); return err }); err != nil {
				return ending{}, err
			}
			if e := of(&s.Ends); e.Said {
				return e, nil
			}
		}
	}
	return ending{}, nil
}
