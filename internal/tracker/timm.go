package tracker

import (
	"math"
	"path"
	"slices"
	"time"

	"runsheet"
)

// timm is the training script of pytorch-image-models: a row of summary.csv for each epoch, written after its evaluation,
// beside the arguments in args.yaml. Both lie in a directory <date>-<time>-<model>-<size> of each launch below --output,
// which is the work dir, or in the work dir itself (--experiment).
//
// The epochs of the last row are counted; the first is 0. Their total are the arguments epochs, cooldown_epochs and
// warmup_epochs, as the scheduler adds them up. A training that is resumed into the same directory writes the header
// again, and repeats epochs; one that is resumed into a new directory has the old one's epochs until its first row.
// Nothing says that it is finished but the total; it never stops early. Where epochs are not evaluated (--val-interval)
// they have no row.
//
// Read of timm 1.0.31 (timm/utils/summary.py, timm/scheduler/scheduler_factory.py) and its train.py; summary.csv is
// checked against timm in testdata/real/timm, where args.yaml is by hand.
type timm struct{}

const (
	timmArgs    = "args.yaml"
	timmSummary = "summary.csv"
	maxLaunches = 16 // the last ones
)

// timmKeys are the arguments that its total is made of, and what tells them from those of others: theirs has an epoch to
// cool down in.
var timmKeys = []string{"epochs", "cooldown_epochs", "warmup_epochs", "warmup_prefix", "sched", "lr_cycle_limit", "lr_cycle_mul", "model", "resume"}

func (timm) Name() string { return "timm" }

func (timm) Logs() string { return "" }

func (t timm) Recognises(ev *Evidence, _ runsheet.ProgressSpec) bool { return len(t.launches(ev)) > 0 }

// launches lists the directories of the launches, the last first.
func (t timm) launches(ev *Evidence) []string {
	if t.is(ev, ".") {
		return []string{"."}
	}
	entries, err := ev.List(".")
	if err != nil {
		return nil
	}
	var out []string
	looked := 0
	for _, e := range slices.Backward(entries) {
		if !e.Dir || !stamped(e.Name) {
			continue
		}
		if looked++; looked > maxLaunches {
			break
		}
		ev.Witness(path.Join(e.Name, timmSummary))
		if t.is(ev, e.Name) {
			out = append(out, e.Name)
		}
	}
	return out
}

// stamped says whether a name begins with <date>-<time>-.
func stamped(name string) bool {
	const layout = "20060102-150405"
	if len(name) <= len(layout) || name[len(layout)] != '-' {
		return false
	}
	_, err := time.Parse(layout, name[:len(layout)])
	return err == nil
}

// is says whether a directory is one of a launch.
func (timm) is(ev *Evidence, dir string) bool {
	if dir == "." && !ev.has(dir, timmArgs) && !ev.has(dir, timmSummary) {
		return false
	}
	args, err := ev.yaml(path.Join(dir, timmArgs), timmKeys...)
	if err != nil || args["epochs"] == "" || args["model"] == "" {
		return false
	}
	header := ev.csvHeader(path.Join(dir, timmSummary))
	if header == nil {
		_, theirs := args["cooldown_epochs"]
		return theirs
	}
	return header[0] == "epoch" && slices.ContainsFunc(header, func(h string) bool { return h == "train_loss" || h == "eval_loss" })
}

// timmState is what the rows so far say.
type timmState struct {
	Table   csvTable         `json:"table"`
	Epochs  int64            `json:"epochs,omitzero"`
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
	Pace    pace             `json:"pace,omitempty"`
}

func (t timm) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: t.Name(), Unit: unit(spec, "epoch")}
	launches := t.launches(ev)
	if ev.recorder != nil {
		for _, dir := range slices.Backward(launches[min(1, len(launches)):]) {
			if _, err := t.follow(ev, dir); err != nil {
				return p, err
			}
		}
	}
	for i, dir := range launches {
		args, err := ev.yaml(path.Join(dir, timmArgs), timmKeys...)
		if err != nil {
			return p, err
		}
		if i == 0 {
			p.Total = timmTotal(args)
		}
		s, err := t.follow(ev, dir)
		if err != nil {
			return p, err
		}
		if s.Epochs > 0 || args["resume"] == "" {
			p.Completed, p.Metrics = s.Epochs, s.Metrics
			s.Pace.tell(&p)
			break
		}
	}
	return p, nil
}

func (timm) follow(ev *Evidence, dir string) (timmState, error) {
	return follow(ev, path.Join(dir, timmSummary), format[timmState]{
		key:   "timm/1",
		split: byLine,
		whole: func(s *timmState, rest []byte) bool { return s.Table.whole(rest) },
		take: func(s *timmState, line []byte) {
			row, ok := s.Table.row(line)
			epoch, there := row["epoch"]
			n, whole := asCount(epoch)
			if !ok || !there || !whole {
				return
			}
			s.Epochs = n + 1
			delete(row, "epoch")
			s.Metrics = merged(s.Metrics, row)
			ev.Point(s.Epochs, row)
		},
		done: func(s *timmState, at time.Time) { s.Pace.see(at, s.Epochs) },
	})
}

// timmTotal adds up how many epochs the arguments ask for; 0: they do not say.
func timmTotal(args map[string]string) int64 {
	epochs, ok := parseCount(args["epochs"])
	if !ok {
		return 0
	}
	total := float64(epochs)
	number := func(key string, otherwise float64) float64 {
		if v, ok := parseFloat(args[key]); ok {
			return v
		}
		return otherwise
	}
	switch args["sched"] {
	case "cosine", "tanh", "poly", "": // in cycles
		cycles, mul := max(number("lr_cycle_limit", 1), 1), number("lr_cycle_mul", 1)
		if mul == 1 {
			total *= cycles
		} else {
			total = math.Floor(-total * (math.Pow(mul, cycles) - 1) / (1 - mul))
		}
		total += number("cooldown_epochs", 0)
	case "wsd", "rsqrt":
		total += number("cooldown_epochs", 0)
	}
	if args["warmup_prefix"] == "true" {
		total += number("warmup_epochs", 0)
	}
	n, _ := asCount(total)
	return n
}

// merged puts the newer metrics over the older ones.
func merged(older, newer runsheet.Metrics) runsheet.Metrics {
	if older == nil {
		older = runsheet.Metrics{}
	}
	for k, v := range newer {
		if _, ok := older[k]; ok || len(older) < maxMetrics {
			older[k] = v
		}
	}
	return older
}
