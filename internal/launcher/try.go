package launcher

import (
	"context"
	"errors"
	"time"

	"runsheet"
	"runsheet/internal/journal"
	"runsheet/internal/observe"
)

// tryPatience is how long the file system of a work dir may take for one step of what is done there: longer than a look is
// waited for, since to make something durable takes long on a busy disk.
const tryPatience = 10 * time.Second

// errSilent: a file system has not answered. What was begun there may be done yet, beside the loop, as if by a launcher that
// died in the middle of it: the next look at the run finds what came of it.
var errSilent = errors.New("its file system does not answer")

// tried does what touches the work dir of run i, and returns errSilent where its file system does not answer; the run is
// unknown from then on, until it does. f must not touch the launcher.
func tried[T any](ctx context.Context, l *Launcher, i int, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	r, silent, ok := observe.Try(ctx, l.sheet.Runs[i].WorkDir, tryPatience, func() result {
		value, err := f()
		return result{value, err}
	})
	if !ok {
		if !silent.IsZero() {
			l.facts[i] = l.facts[i].Unheard(silent)
		}
		return r.value, errSilent
	}
	return r.value, r.err
}

// done is tried for what has no result.
func done(ctx context.Context, l *Launcher, i int, f func() error) error {
	_, err := tried(ctx, l, i, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// answers does what touches a directory, and says whether it was done in time.
func answers(ctx context.Context, dir string, f func()) bool {
	_, _, ok := observe.Try(ctx, dir, observe.Patience, func() struct{} {
		f()
		return struct{}{}
	})
	return ok
}

// tellSilent tells, once, that the file system of a run does not answer, and that it answers again.
func (l *Launcher) tellSilent(i int, f runsheet.Facts) {
	switch silent := !f.Silent.IsZero(); {
	case silent && !l.silent[i]:
		l.silent[i] = true
		l.tell(i, journal.Waiting, "its file system does not answer; nothing is known of it until it does")
	case !silent && l.silent[i]:
		delete(l.silent, i)
		l.tell(i, journal.Waiting, "its file system answers again")
	}
}
