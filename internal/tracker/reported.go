package tracker

import (
	"errors"
	"fmt"
	"strings"

	"runsheet"
	"runsheet/internal/record"
)

// reported is what the training code says for Runsheet: a line
//
//	runsheet: {"completed": 3, "total": 10, "metrics": {"loss": 0.5}}
//
// on its standard output, or the same document in the file that RUNSHEET_PROGRESS names. "completed" must be there;
// "unit", "early_stopped", "early_stopped_at" and "finished" may be. The last line of the newest attempt that says
// anything counts; the file, where there is one, counts more.
type reported struct{}

const maxReported = 1 << 20 // bytes of the document

func (reported) Name() string { return "reported" }

func (reported) Logs() string { return "" }

func (r reported) Recognises(ev *Evidence, spec runsheet.ProgressSpec) bool {
	p, err := r.Read(ev, spec)
	return err != nil || p.Source != ""
}

// Read returns what was said last. A document or a line that makes no sense is an error, unless a later one does.
func (r reported) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: r.Name()}
	for i, s := range ev.sessions() {
		doc, torn := ev.reportedFile(record.ReportedPath(s.dir))
		if i > 0 && isBroken(torn) {
			torn = nil // the attempt is over, and another one follows it
		}
		if torn != nil && !isBroken(torn) {
			return p, torn
		}
		if doc != nil {
			out := doc.progress(spec)
			ev.paced(record.ReportedPath(s.dir), "reported pace/1", &out)
			return out, nil
		}
		state, err := ev.readLog(s.log)
		if err != nil {
			return p, err
		}
		if torn == nil && state.Said.Fault != "" && i == 0 {
			torn = &brokenError{rel: s.log, size: ev.looks[s.log].resolved().Size, err: errors.New(state.Said.Fault),
				hint: "the command prints lines like runsheet: {\"completed\": 3, \"total\": 10}"}
		}
		if state.Said.Report != nil {
			out := state.Said.Report.progress(spec)
			state.Said.Pace.tell(&out)
			return out, torn
		}
		if torn != nil {
			return p, torn
		}
	}
	return runsheet.Progress{Unit: spec.Unit}, nil
}

// reportedFile reads a document that the command writes; nil where there is none yet.
func (ev *Evidence) reportedFile(rel string) (*report, error) {
	ev.Witness(rel)
	var doc *report
	moving, err := ev.steadily(rel, func() error {
		doc = nil
		if st, err := ev.Look(rel); err != nil || st.Kind == Absent {
			return err
		}
		data, err := ev.readAll(rel, maxReported)
		if err != nil {
			if absent(err) {
				return nil
			}
			return err
		}
		row, err := parseRow(data)
		if err == nil {
			doc, err = newReport(row)
		}
		if err != nil {
			return ev.broken(rel, err)
		}
		return nil
	})
	if err != nil && moving {
		ev.moving = true
		err = fmt.Errorf("%w; it is still being written", err)
	}
	return doc, err
}

// report is one progress as it was said.
type report struct {
	Completed int64            `json:"completed"`
	Total     int64            `json:"total,omitzero"`
	Unit      string           `json:"unit,omitempty"`
	Early     bool             `json:"early,omitzero"`
	EarlyAt   int64            `json:"early_at,omitzero"`
	Finished  bool             `json:"finished,omitzero"`
	Metrics   runsheet.Metrics `json:"metrics,omitempty"`
}

// newReport makes a report of a JSON object; the error says which field cannot be.
func newReport(r row) (*report, error) {
	out := &report{Unit: r.text["unit"], Early: r.flag["early_stopped"], Finished: r.flag["finished"], Metrics: runsheet.Metrics{}}
	for key, to := range map[string]*int64{"completed": &out.Completed, "total": &out.Total, "early_stopped_at": &out.EarlyAt} {
		if _, ok := r.num[key]; !ok {
			if text, ok := r.text[key]; ok {
				return nil, &syntaxError{what: fmt.Sprintf("%s is the text %q, no number", key, text)}
			}
			continue
		}
		n, ok := r.count(key)
		if !ok {
			return nil, &syntaxError{what: fmt.Sprintf("%s is %v, no count", key, r.num[key])}
		}
		*to = n
	}
	if _, ok := r.num["completed"]; !ok {
		return nil, &syntaxError{what: "it does not say \"completed\""}
	}
	for key, v := range r.num {
		if name, ok := strings.CutPrefix(key, "metrics."); ok {
			out.Metrics[name] = v
		}
	}
	return out, nil
}

func (r *report) progress(spec runsheet.ProgressSpec) runsheet.Progress {
	p := runsheet.Progress{Source: reported{}.Name(), Completed: r.Completed, Total: r.Total, Unit: unit(spec, r.Unit),
		EarlyStopped: r.Early, EarlyStoppedAt: r.EarlyAt, Finished: r.Finished, Metrics: r.Metrics}
	if r.Early && r.EarlyAt == 0 {
		p.EarlyStoppedAt = r.Completed
	}
	return p
}

// saying is what the lines of a log said to Runsheet.
type saying struct {
	Report *report `json:"report,omitempty"`
	Fault  string  `json:"fault,omitempty"` // of the last line, if it makes no sense
	Pace   pace    `json:"pace,omitempty"`
}

const saidPrefix = "runsheet: {"

func (s *saying) line(text string, point func(int64, runsheet.Metrics)) {
	i := strings.Index(text, saidPrefix)
	if i < 0 || i > 0 && !strings.ContainsAny(text[i-1:i], " :]|>") {
		return
	}
	r, err := parseRow([]byte(text[i+len(saidPrefix)-1:]))
	var doc *report
	if err == nil {
		doc, err = newReport(r)
	}
	if err != nil {
		s.Fault = fmt.Sprintf("the line %.200q makes no sense: %v", text[i:], err)
		return
	}
	s.Report, s.Fault = doc, ""
	point(doc.Completed, doc.Metrics)
}
