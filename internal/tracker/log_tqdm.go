package tracker

import (
	"slices"
	"strings"

	"runsheet"
)

// tqdmLog reads the progress bars of tqdm:
//
//	Epoch 3:  12%|█▏        | 12/100 [00:10<01:13,  1.20it/s, loss=0.53]
//
// with or without a bar, a description, a total. There are many in one log, and most are not the training: bars of
// downloads and of data, bars for validation, a bar for each epoch. Which one counts is told by how they behave:
// see bars.choose. What no description says to be epochs is a guess, however well it fits.
// (tqdm 4.70.1, std.py: format_meter. Bars close with a last drawing, unless leave=False.)
type tqdmLog struct {
	Bars bars `json:"bars,omitzero"`
}

func (*tqdmLog) name() string { return "tqdm" }

func (l *tqdmLog) line(text string, point func(int64, runsheet.Metrics)) {
	d, ok := drawnIn(text)
	if !ok {
		if d, ok = cutIn(text); !ok {
			return
		}
	}
	b := l.Bars.draw(d)
	if d.post == "" {
		return
	}
	if metricsInto(&b.Metrics, d.post) {
		if c, ok := l.Bars.choose(); ok && c.teller == b {
			point(c.Completed, b.Metrics)
		}
	}
}

// whole: a bar stays without an end until it is drawn anew.
func (*tqdmLog) whole(text string) bool {
	_, ok := drawnIn(text)
	return ok
}

func (l *tqdmLog) progress(epochs bool) (runsheet.Progress, bool) {
	c, ok := l.Bars.choose()
	if !ok || epochs && !c.epochs {
		return runsheet.Progress{}, false
	}
	p := c.Progress
	p.Guessed = c.weak || c.passes || epochs && !c.named
	if epochs {
		p.Unit = "epoch"
	}
	return p, true
}

// weak: a count of nobody knows how many says no more than a line of the training does.
func (l *tqdmLog) weak() bool {
	c, _ := l.Bars.choose()
	return c.weak || c.Total == 0
}

func (l *tqdmLog) slack() int64 {
	c, _ := l.Bars.choose()
	return c.slack
}

// drawn is one drawing of a bar.
type drawn struct {
	desc, unit, post string
	n, total         int64 // total: 0 where none is shown
	slack            int64 // how much the numbers may be rounded
}

// drawnIn finds the drawing of a bar in a text, and says whether there is a whole one. Other output may stand after it,
// as two streams share a log.
func drawnIn(text string) (drawn, bool) {
	for from := 0; ; {
		i := strings.IndexByte(text[from:], '[')
		if i < 0 {
			return drawn{}, false
		}
		i += from
		from = i + 1
		end := clockEnd(text, i+1)
		if end < 0 {
			continue
		}
		var left string // what is left to go
		rest := text[end:]
		switch {
		case strings.HasPrefix(rest, "<"):
			comma := strings.Index(rest, ", ")
			if comma < 0 {
				continue
			}
			left, rest = rest[1:comma], rest[comma+2:]
			if left != "?" && clockEnd(left, 0) != len(left) && !strings.Contains(left, "day") {
				continue
			}
		case strings.HasPrefix(rest, ", "):
			rest = rest[2:]
		default:
			continue
		}
		shut := strings.IndexByte(rest, ']')
		if shut < 0 {
			continue
		}
		rate, post, _ := strings.Cut(rest[:shut], ",")
		d := drawn{post: strings.TrimSpace(post)}
		var ok bool
		if d.unit, ok = rateUnit(strings.TrimSpace(rate)); ok && d.counts(text[:i], left) {
			if d.slack > 0 && len(d.unit) > 1 && isDigit(strings.TrimSpace(rate)[0]) && strings.IndexByte("kMGTP", d.unit[0]) >= 0 {
				d.unit = d.unit[1:] // "6.64ksamples/s"
			}
			return d, true
		}
	}
}

// cutIn finds the drawing of a bar whose end was cut off for want of columns: "train:  10%| | 4/40 [00:00<00:".
func cutIn(text string) (d drawn, ok bool) {
	if !strings.Contains(text, "%|") {
		return d, false
	}
	i := strings.LastIndexByte(text, '[')
	if i < 0 || strings.IndexByte(text[i:], ']') >= 0 || len(text)-i < 3 || !isDigit(text[i+1]) || !d.counts(text[:i], "") || d.total == 0 {
		return d, false
	}
	d.unit = "it"
	return d, true
}

// clockEnd returns where a clock like "01:13" or "1:02:03" ends that begins at i; -1 if none does.
func clockEnd(text string, i int) int {
	parts := 0
	for {
		from := i
		for i < len(text) && isDigit(text[i]) {
			i++
		}
		if n := i - from; n == 0 || parts > 0 && n != 2 {
			return -1
		}
		if parts++; i == len(text) || text[i] != ':' {
			break
		}
		i++
	}
	if parts < 2 {
		return -1
	}
	return i
}

// rateUnit returns the unit of a rate like "1.20it/s", "1.20s/it" or "?it/s".
func rateUnit(rate string) (string, bool) {
	if of, ok := strings.CutSuffix(rate, "/s"); ok {
		of = strings.TrimLeft(of, "?0123456789.")
		return strings.TrimSpace(of), len(of) < 20
	}
	i := strings.Index(rate, "s/")
	if i <= 0 || !isDigit(rate[i-1]) {
		return "", false
	}
	return strings.TrimSpace(rate[i+2:]), len(rate)-i < 20
}

// counts reads what stands before the times of a bar: description, share, bar, counts.
func (d *drawn) counts(before, left string) bool {
	before = strings.TrimRight(before, " ")
	i := strings.LastIndexByte(before, ' ') + 1
	if bar := strings.LastIndexByte(before, '|') + 1; bar > i {
		i = bar
	}
	count, of, ok := strings.Cut(before[i:], "/")
	if !ok { // "12it"
		number := strings.TrimRight(count, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
		if d.n, ok = parseCount(number); !ok || left != "" {
			return false
		}
		d.desc = description(before[:i])
		return true
	}
	var round int64
	if d.n, d.slack, ok = scaled(count); !ok {
		return false
	}
	if of != "?" {
		if d.total, round, ok = scaled(of); !ok {
			return false
		}
	}
	switch {
	case d.slack == 0:
	case count == of && left == "00:00": // rounded, and nothing is left
		d.n, d.slack = d.total, 0
	default:
		d.n = max(d.n-d.slack, 0)
		d.slack = 2*d.slack + round
	}
	d.slack = max(d.slack, round)
	before = strings.TrimRight(before[:i], " ")
	at := strings.LastIndex(before, "%|")
	if at < 0 && strings.HasSuffix(before, "%") {
		at = len(before) - 1
	}
	if at < 0 {
		return false
	}
	from := at
	for from > 0 && isDigit(before[from-1]) {
		from--
	}
	if from == at {
		return false
	}
	d.desc = description(before[:from])
	return true
}

// maxDesc is how much of a description is kept, in bytes.
const maxDesc = 100

// description returns the description of a bar without what only sets it off.
func description(text string) string {
	text = strings.TrimRight(strings.TrimSpace(text), ": ")
	return strings.ToValidUTF8(text[max(0, len(text)-maxDesc):], "")
}

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
