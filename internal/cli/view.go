package cli

import (
	"context"
	"os"
	"strings"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/journal"
	"runsheet/internal/tui"
)

// view shows what a launcher does: a live view where standard error is a terminal, a line for each event elsewhere.
type view struct {
	live    *tui.Live
	plain   *tui.Plain
	repeats tui.Repeats
	ready   func() // called once the launcher holds the sheet
	sheet   *runsheet.Sheet
}

func newView(env Env, s *runsheet.Sheet, detached bool) *view {
	v := &view{ready: func() {}, sheet: s}
	if detached {
		v.ready = ready()
	}
	if _, ok := terminal(env.Err); ok {
		v.live = tui.New(env.Err.(*os.File), colour(env.Err))
		go v.live.Run(context.Background())
		return v
	}
	v.plain = tui.NewPlain(env.Err)
	return v
}

// Close ends the view; the last picture stays.
func (v *view) Close() {
	v.show(v.repeats.Flush())
	if v.live != nil {
		v.live.Close()
	}
}

// Snapshot implements launcher.Listener.
func (v *view) Snapshot(now func() runsheet.Snapshot) {
	v.show(v.repeats.Flush())
	if v.live != nil {
		v.live.Show(now())
	}
	if v.ready != nil {
		v.ready()
		v.ready = nil
	}
}

// Event implements launcher.Listener.
func (v *view) Event(e journal.Event) {
	if shown, ok := wording(e); ok {
		shown.Text = v.sheet.Spelled(shown.Text)
		v.show(v.repeats.Add(shown))
	}
}

func (v *view) show(events []tui.Event) {
	for _, e := range events {
		if v.live != nil {
			v.live.Event(e)
		} else {
			v.plain.Event(e)
		}
	}
}

// wording puts an event of the journal into words; some are not worth a line.
func wording(e journal.Event) (tui.Event, bool) {
	out := tui.Event{At: e.At.Local(), Kind: string(e.Kind), Run: e.Run, Attempt: e.Attempt, Text: e.Text}
	switch e.Kind {
	case journal.LauncherStarted, journal.LauncherEnded, journal.Claimed:
		return out, false
	case journal.Began:
		out.Kind = "started"
		if len(e.Devices) > 0 {
			out.Text = "on GPU " + strings.Join(e.Devices, ", ")
		}
	case journal.Waiting:
		out.Kind = "waits"
	case journal.Adopted:
		out.Kind, out.Text = "adopted", "it goes on"
	case journal.Ended:
		switch {
		case e.OK:
			out.Kind = "finished"
		case e.End == runsheet.EndStopped:
			out.Kind = "stopped"
			out.Text = ""
		case e.End == runsheet.EndPreempted:
			out.Kind = "preempted"
		case e.Cause.Kind == runsheet.CauseRefused:
			out.Kind, out.Text = "refused", e.Host+": "+e.Cause.Text
		case e.End == runsheet.EndVoid && e.Cause.Kind != runsheet.CauseNotStarted:
			out.Kind, out.Text = "called off", e.Cause.Text
		default:
			out.Kind = "failed"
		}
	case journal.SheetChanged:
		out.Kind = "sheet"
	case journal.Requested:
		out.Kind, out.Text = "asked", "retry"
	case journal.GaveUp:
		out.Kind = "given up"
	case journal.SetAside:
		out.Kind, out.Text = "set aside", "older evidence is in "+e.Text
	}
	out.Text = diagnose.Clean(out.Text)
	return out, true
}
