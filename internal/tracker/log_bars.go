package tracker

import (
	"slices"
	"strings"

	"runsheet"
)

// bars are the bars that a log has drawn: the last maxBars of them. JSON can hold it.
type bars struct {
	List  []*bar `json:"list,omitempty"` // in the order in which they were first drawn
	Clock int64  `json:"clock,omitzero"` // drawings
}

const maxBars = 16

// bar is one bar, drawn again and again.
type bar struct {
	Desc    string           `json:"desc,omitempty"`
	Unit    string           `json:"unit,omitempty"`
	N       int64            `json:"n"`
	Total   int64            `json:"total,omitzero"`
	Slack   int64            `json:"slack,omitzero"`
	First   int64            `json:"first"` // when it was drawn first and last, by the clock of the bars
	Last    int64            `json:"last"`
	Draws   int64            `json:"draws"`
	Stride  int64            `json:"stride,omitzero"`
	Passes  int64            `json:"passes,omitzero"` // how often it was completed
	Passed  bool             `json:"passed,omitzero"` // this time, too
	Falls   int64            `json:"falls,omitzero"`  // how often it went back
	Inner   bool             `json:"inner,omitzero"`  // it starts over and over
	Spans   bool             `json:"spans,omitzero"`  // other bars began and were drawn while it was under way
	Epochs  epochCount       `json:"epochs,omitzero"` // of the epochs that its description names
	Quiet   bool             `json:"quiet,omitzero"`  // nothing else was drawn between its last two epochs
	Aside   bool             `json:"aside,omitzero"`  // it is not the training's, by its looks
	Metrics runsheet.Metrics `json:"metrics,omitempty"`
}

// draw takes a drawing in, and returns its bar.
func (t *bars) draw(d drawn) *bar {
	t.Clock++
	b := t.find(d)
	if b == nil {
		if len(t.List) >= maxBars {
			t.forget()
		}
		b = &bar{Unit: strings.Clone(d.unit), Total: d.total, First: t.Clock, Last: t.Clock}
		t.List = append(t.List, b)
	} else if !b.Passed && !b.Inner {
		b.Spans = b.Spans || slices.ContainsFunc(t.List, func(o *bar) bool { return o.First > b.First && o.Last > b.Last })
	}
	e, named := epochIn(d.desc)
	next := named && b.Epochs.Seen && e.epoch != b.Epochs.Epoch
	if d.n < b.N || next {
		b.Falls++
		// A training that was resumed goes back once, from anywhere; what starts over with another description, after it
		// was as good as complete, or again, is done once in every epoch.
		almost := b.Total > 0 && b.N >= b.Total-b.Total/10
		if again := d.desc != b.Desc || almost && d.n <= b.Stride+1; (again || b.Falls > 1) && d.n < b.N {
			b.Inner = true
			if again && !b.Passed {
				b.Passes++
			}
		}
		b.Quiet = next && b.Passed && b.Last == t.Clock-1
		b.Passed = false
	} else if d.n > b.N && b.Draws > 0 {
		b.Stride = d.n - b.N
	}
	if named {
		b.Epochs.see(e, false)
	}
	if b.Desc != d.desc || b.Draws == 0 {
		b.Desc = strings.Clone(d.desc)
		b.Aside = b.aside()
	}
	b.N, b.Slack, b.Last = d.n, d.slack, t.Clock
	b.Draws++
	if b.Total > 0 && b.N >= b.Total && !b.Passed {
		b.Passes++
		b.Passed = true
	}
	return b
}

// find returns the bar that a drawing is of: of the same unit and total, with the same description but for its digits.
func (t *bars) find(d drawn) *bar {
	for i := len(t.List) - 1; i >= 0; i-- {
		if b := t.List[i]; b.Total == d.total && b.Unit == d.unit && sameBut(b.Desc, d.desc) {
			return b
		}
	}
	return nil
}

// sameBut says whether two texts are the same but for their numbers.
func sameBut(a, b string) bool {
	if a == b {
		return true
	}
	i, j := 0, 0
	for {
		for i < len(a) && (isDigit(a[i]) || strings.IndexByte(".-+ ", a[i]) >= 0) {
			i++
		}
		for j < len(b) && (isDigit(b[j]) || strings.IndexByte(".-+ ", b[j]) >= 0) {
			j++
		}
		if i == len(a) || j == len(b) {
			return i == len(a) && j == len(b)
		}
		if a[i] != b[j] {
			return false
		}
		i, j = i+1, j+1
	}
}

// forget makes room: the bar that was drawn least lately goes, one that says nothing of the training before others.
func (t *bars) forget() {
	least := 0
	for i, b := range t.List {
		o := t.List[least]
		if b.Aside && !o.Aside || b.Aside == o.Aside && b.Last < o.Last {
			least = i
		}
	}
	t.List = slices.Delete(t.List, least, least+1)
}

// chosen is what the bars say.
type chosen struct {
	runsheet.Progress
	teller *bar // of the metrics
	epochs bool // it counts epochs, whatever its unit is called
	named  bool // it says so itself
	passes bool // it counts how often a bar started over
	weak   bool // there are only bars of downloads and the like
	slack  int64
}

// choose returns what the bar says that is most likely the training's, and whether there is one. A bar whose description
// names epochs counts those. Otherwise, a bar that started over again and again is done once in an epoch; among those
// that did not, one during which other bars came and went is the outer one; then one that is not complete, the first of
// them; then the one that was drawn most often. Where all started over, an epoch is how often one did.
func (t *bars) choose() (chosen, bool) {
	if len(t.List) == 0 {
		return chosen{}, false
	}
	weak := !slices.ContainsFunc(t.List, func(b *bar) bool { return !b.Aside })
	ended := int64(0) // the last of the bars that were drawn to their end began then
	for _, b := range t.List {
		if b.Aside == weak && b.Passed && !b.Inner {
			ended = max(ended, b.First)
		}
	}
	var best *bar
	stale := false // best was left where it stood, and another one came to its end since
	for _, b := range t.List {
		left := !b.Passed && !b.Inner && (b.N > 0 && ended > b.Last || b.N == 0 && t.renamed(b))
		if b.Aside == weak && (best == nil || left == stale && b.before(best) || stale && !left) {
			best, stale = b, left
		}
	}
	c := chosen{teller: best, weak: weak}
	for _, b := range t.List { // where it tells no metrics, the bar for the steps of an epoch may, which was drawn last
		if b.Aside == weak && len(best.Metrics) == 0 && len(b.Metrics) > 0 && (c.teller == best || b.Last > c.teller.Last) {
			c.teller = b
		}
	}
	c.Metrics = c.teller.Metrics
	switch {
	case best.Epochs.Seen && best.Epochs.Total > 0 || best.Epochs.Seen && best.Inner:
		e := best.Epochs
		c.Completed, c.Total, c.Unit, c.epochs, c.named = e.completed(), e.total(), "epoch", true, true
		if best.Passed && best.Quiet {
			c.Completed++
		}
		c.slack = e.current() - c.Completed
	case best.Inner:
		c.Completed, c.Unit, c.epochs, c.passes, c.slack = best.Passes, "epoch", true, true, 1
	default:
		c.Completed, c.Total, c.Unit = best.N, best.Total, barUnit(best.Unit)
		c.slack = max(best.Slack, best.Stride)
		if word(best.Desc, "epoch", "EPOCH") >= 0 && !best.Epochs.Seen || c.Unit == "epoch" {
			c.Unit, c.epochs, c.named = "epoch", true, true
		}
		for _, b := range t.List {
			if b.Aside == weak && b.Inner && b.First > best.First && (b.Passes == best.N || b.Passes == best.N+1) {
				c.epochs = true
			}
		}
	}
	return c, true
}

// renamed says whether a bar that has not begun goes on with another description: the next one that was drawn is of the
// same size.
func (t *bars) renamed(b *bar) bool {
	return slices.ContainsFunc(t.List, func(o *bar) bool {
		return o.First == b.Last+1 && o.Total == b.Total && o.Unit == b.Unit && o.N > 0
	})
}

// before says whether b is rather the training's bar than o, both of the same weight.
func (b *bar) before(o *bar) bool {
	if x, y := b.rank(), o.rank(); x != y {
		return x < y
	}
	switch b.rank() {
	case 0: // descriptions that name epochs: the one that goes on
		return b.Last > o.Last
	case 1, 2:
		return b.First < o.First
	}
	return b.Draws > o.Draws
}

func (b *bar) rank() int {
	switch {
	case b.Epochs.Seen && (b.Epochs.Total > 0 || b.Inner):
		return 0
	case !b.Inner && b.Spans:
		return 1
	case !b.Inner && !b.Passed && b.Total > 0:
		return 2
	case !b.Inner && b.Total > 0:
		return 3
	case b.Inner && b.Passes > 0:
		return 4
	}
	return 5
}

// barUnit returns a bar's unit as a word: "it" is what tqdm calls whatever it is not told.
func barUnit(unit string) string {
	switch unit {
	case "", "it", "its":
		return "step"
	case "epochs", "ep":
		return "epoch"
	}
	return unit
}

// asides are the beginnings of words in descriptions of bars that are not the training's.
var asides = []string{"load", "download", "upload", "map", "shard", "token", "filter", "fetch", "extract", "generat", "eval", "valid", "test", "predict",
	"scan", "resolv", "writ", "sav", "convert", "cach", "preprocess", "process", "prepar", "comput", "build", "read", "infer", "sampl", "creat", "index", "pars", "import", "flatten", "group"}

// aside says whether a bar is of something besides the training, by its description or its unit.
func (b *bar) aside() bool {
	switch b.Unit {
	case "B", "iB", "kB", "MB", "GB", "KiB", "MiB", "GiB", "examples", " examples", "files":
		return true
	}
	desc := strings.ToLower(b.Desc)
	if strings.Contains(desc, "train") || strings.Contains(desc, "epoch") {
		return false
	}
	return desc == "val" || slices.ContainsFunc(asides, func(w string) bool {
		i := strings.Index(desc, w)
		return i == 0 || i > 0 && !isLetter(desc[i-1])
	})
}
