package exectest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// Fake is an executor whose supervisors are goroutines of the test and whose commands are functions. Its records are
// the real ones.
type Fake struct {
	// Command is what an attempt does: it returns the exit code, and earlier when ctx is done.
	Command func(ctx context.Context, c runsheet.Claim) int

	sys   record.System
	mu    sync.Mutex
	fails error // what Start returns, if it fails
	stops map[string]func(runsheet.EndKind)
	wg    sync.WaitGroup
}

// NewFake returns a fake whose attempts do what command does.
func NewFake(command func(ctx context.Context, c runsheet.Claim) int) *Fake {
	return &Fake{Command: command, sys: record.NewSystem(durable.OS()), stops: map[string]func(runsheet.EndKind){}}
}

// Name implements runsheet.Executor.
func (f *Fake) Name() string { return "fake" }

// FailStart makes Start fail with err from now on; nil: not any more.
func (f *Fake) FailStart(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = err
}

// Wait returns when every supervisor is gone.
func (f *Fake) Wait() { f.wg.Wait() }

// Start implements runsheet.Executor.
func (f *Fake) Start(_ context.Context, launches []runsheet.Launch) []error {
	errs := make([]error, len(launches))
	for i, l := range launches {
		f.mu.Lock()
		errs[i] = f.fails
		f.mu.Unlock()
		if errs[i] != nil {
			continue
		}
		if _, err := f.sys.FS.List("fake", l.Dir); err != nil {
			errs[i] = fmt.Errorf("start: %w", err)
			continue
		}
		f.wg.Go(func() { f.supervise(l.Dir) })
	}
	return errs
}

func (f *Fake) supervise(attemptDir string) {
	t, err := record.Take(f.sys, attemptDir)
	stopped := errors.Is(err, record.ErrStopAsked)
	if err != nil && !stopped {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	e := runsheet.End{Kind: runsheet.EndStopped}
	var once sync.Once
	f.mu.Lock() // before it begins: whoever sees it begun may stop it
	f.stops[attemptDir] = func(kind runsheet.EndKind) { once.Do(func() { e.Kind = kind; cancel() }) }
	f.mu.Unlock()
	if err := t.Begin(0); err != nil {
		t.Leave()
		return
	}
	began := time.Now()
	if !stopped {
		code := f.Command(ctx, t.Claim)
		once.Do(func() { e.Kind, e.ExitCode = runsheet.EndExit, &code })
	}
	e.At = time.Now()
	e.Wall = e.At.Sub(began).Seconds()
	if e.ExitCode != nil && *e.ExitCode != 0 {
		e.Cause = runsheet.Cause{Kind: runsheet.CauseExit, Text: fmt.Sprintf("exit code %d", *e.ExitCode)}
	}
	t.End(e)
}

// Probe implements runsheet.Executor.
func (f *Fake) Probe(_ context.Context, attemptDir string, c runsheet.Claim, s *runsheet.Start) runsheet.Sighting {
	alive, why := record.Probe(f.sys, attemptDir, c, s)
	return runsheet.Sighting{Liveness: alive, Why: why}
}

// Stop implements runsheet.Executor.
func (f *Fake) Stop(_ context.Context, attemptDir string, _ runsheet.Claim, _ *runsheet.Start, kind runsheet.EndKind, _ bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if stop := f.stops[attemptDir]; stop != nil {
		stop(kind)
	}
	return nil
}
