package tui

import (
	"fmt"
	"io"
	"sync"
	"time"

	"runsheet/internal/diagnose"
)

// Event is something that a launcher did or saw.
type Event struct {
	At      time.Time // shown in the zone that it carries
	Kind    string    // what happened, in a word or two: "started", "finished"
	Run     string    // the run it happened to; may be empty
	Attempt int       // of the run; 0: none
	Text    string    // what else there is to say; may be empty
}

// String renders the event as a line, as "15:04:05 failed dataset=wine,seed=0 (attempt 1): exited 1". Text from outside
// is stripped of control characters.
func (e Event) String() string {
	s := e.At.Format(time.TimeOnly)
	for _, word := range []string{e.Kind, e.Run} {
		if word != "" {
			s += " " + diagnose.Clean(word)
		}
	}
	if e.Attempt > 0 {
		s += fmt.Sprintf(" (attempt %d)", e.Attempt)
	}
	switch {
	case e.Text == "":
	case e.Kind == "" && e.Run == "":
		s += " " + diagnose.Clean(e.Text)
	default:
		s += ": " + diagnose.Clean(e.Text)
	}
	return s
}

// Plain prints a line for each event, for output that is not a terminal. It may be used from many goroutines.
type Plain struct {
	mu sync.Mutex
	w  io.Writer
}

// NewPlain returns a Plain that writes to w.
func NewPlain(w io.Writer) *Plain { return &Plain{w: w} }

// Event prints e. Each line is written at once, so that lines of several processes do not mix. It returns the error of
// the writer.
func (p *Plain) Event(e Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := io.WriteString(p.w, e.String()+"\n")
	return err
}
