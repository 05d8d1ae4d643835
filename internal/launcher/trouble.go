package launcher

import (
	"errors"
	"fmt"
	"os"
	"time"

	"runsheet/internal/durable"
	"runsheet/internal/journal"
)

const (
	troubleWait = 5 * time.Second // doubled for each further time
	troubleMost = 5               // then the run is given up
)

// trouble is what kept the launcher from acting on one run. It may pass: a disk that is full, a server that is away.
type trouble struct {
	count   int // tries that count; after troubleMost of them it is given up
	passing int // tries that failed for want of what everybody needs
	text    string
	until   time.Time
	final   bool
}

// mayAct says whether nothing keeps us from acting on a run now.
func (l *Launcher) mayAct(i int) bool {
	t := l.trouble[i]
	return t == nil || !t.final
}

// putOff remembers what kept us from acting on a run, and when to try again.
func (l *Launcher) putOff(i int, err error) *trouble {
	t := l.trouble[i]
	if t == nil {
		t = &trouble{}
		l.trouble[i] = t
	}
	t.text = err.Error()
	if durable.NoRoom(err) || durable.Starved(err) { // however long that takes
		t.until = l.sys.Clock.Now().Add(min(troubleWait<<t.passing, shortageMost))
		t.passing = min(t.passing+1, troubleMost)
		return t
	}
	t.until = l.sys.Clock.Now().Add(troubleWait << t.count)
	t.count++
	t.final = t.count > troubleMost || errors.Is(err, os.ErrPermission) || errors.Is(err, durable.ErrNotOwn)
	return t
}

// troubled puts a run off, and tells why; once, where that passes. Where its file system does not answer the run is unknown,
// and that is all.
func (l *Launcher) troubled(i int, err error) error {
	if errors.Is(err, errSilent) {
		return nil
	}
	t := l.putOff(i, err)
	if t.passing > 1 {
		return nil
	}
	return l.complain(i, t, err)
}

func (l *Launcher) complain(i int, t *trouble, err error) error {
	ev := l.event(journal.Trouble, i)
	ev.Text = withHint(err)
	if t.final {
		ev.Kind = journal.GaveUp
	}
	if err := l.note(ev); err != nil {
		return fmt.Errorf("%w (while noting: %s)", err, t.text)
	}
	return nil
}

// withHint renders an error with its hint as one line.
func withHint(err error) string {
	if hint := durable.Hint(err); hint != "" {
		return err.Error() + " (" + hint + ")"
	}
	return err.Error()
}
