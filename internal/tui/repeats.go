package tui

import "fmt"

// Repeats keeps what happens to many runs at once from filling the screen: the first of a row of events that say the same
// is shown, and of the rest their number. The zero value is ready for use.
type Repeats struct {
	first Event
	more  []Event
}

// fewRepeats is how many more are still shown one by one.
const fewRepeats = 2

// Add takes an event in, and returns what is to be shown now. Events without a text are never held back.
func (r *Repeats) Add(e Event) []Event {
	if e.Text != "" && e.Text == r.first.Text && e.Kind == r.first.Kind && e.Attempt == r.first.Attempt {
		r.more = append(r.more, e)
		return nil
	}
	out := r.Flush()
	r.first = e
	return append(out, e)
}

// Flush ends the row, and returns what was held back, to be shown now.
func (r *Repeats) Flush() []Event {
	out := r.more
	if n := len(out); n > fewRepeats {
		e := out[n-1]
		e.Text = fmt.Sprintf("the same, %s to %s", out[0].Run, e.Run)
		e.Run = fmt.Sprintf("%d more runs", n)
		out = []Event{e}
	}
	*r = Repeats{}
	return out
}
