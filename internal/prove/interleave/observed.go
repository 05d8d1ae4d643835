package interleave

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/observe"
	"runsheet/internal/progress"
	"runsheet/internal/prove/method"
	"runsheet/internal/record"
)

// epochs is how many the observed run has to do.
const epochs = 3

// scene is a run, and what becomes of it while it is observed.
type scene struct {
	name   string // what happens
	begin  func(workDir string) (*cast, error)
	act    func(*cast) error
	before runsheet.Status
	// during says what may not be said of the run by whoever looks at it meanwhile; empty: nothing is wrong.
	during func(runsheet.Facts, runsheet.Judgement) string
	after  runsheet.Status
}

// cast is the run of a scene and who owns its attempts.
type cast struct {
	run     runsheet.Run
	sys     record.System
	tenures []*record.Tenure
}

func (c *cast) leave() {
	for _, t := range c.tenures {
		t.Leave()
	}
}

// scenes lists what may happen to a run: the rest of it, and the beginning of its first or its second attempt.
func scenes() []scene {
	var out []scene
	for _, e := range endings() {
		out = append(out, scene{name: "the last epoch is written and " + e.name, begin: begun, before: runsheet.Running, after: runsheet.Finished,
			act: func(c *cast) error {
				if err := epoch(c.run.WorkDir, epochs-1); err != nil {
					return err
				}
				return e.act(c.tenures[0])
			},
			during: func(_ runsheet.Facts, j runsheet.Judgement) string {
				// As the run completes, it is running or finished at every moment.
				return oneOf(j, runsheet.Running, runsheet.Finished)
			}})
	}
	begins := func(n int) func(*cast) error {
		return func(c *cast) error {
			if err := c.attempt(n - 1); err != nil {
				return err
			}
			return epoch(c.run.WorkDir, n-1)
		}
	}
	return append(out,
		scene{name: "its first attempt is claimed, begins and writes an epoch", begin: never, act: begins(1),
			before: runsheet.Pending, after: runsheet.Running,
			during: func(f runsheet.Facts, j runsheet.Judgement) string {
				if j.Status == runsheet.Running && f.Claim == nil {
					return fmt.Sprintf("judged %s: %s", j.Status, j.Reason) // whose evidence it is is known
				}
				return oneOf(j, runsheet.Pending, runsheet.Queued, runsheet.Running)
			}},
		scene{name: "somebody is about to claim its first attempt", begin: never, before: runsheet.Pending, after: runsheet.Pending,
			act: func(c *cast) error { return os.MkdirAll(record.AttemptDir(c.run.WorkDir, 1), 0o700) },
			during: func(_ runsheet.Facts, j runsheet.Judgement) string {
				return oneOf(j, runsheet.Pending)
			}},
		scene{name: "its second attempt is claimed, begins and writes an epoch", begin: failedOnce, act: begins(2),
			before: runsheet.Failed, after: runsheet.Running,
			during: func(f runsheet.Facts, j runsheet.Judgement) string {
				if j.Status == runsheet.Failed && f.Progress.Completed != 1 {
					return fmt.Sprintf("judged %s, with what the next attempt did: %s", j.Status, j.Reason)
				}
				return oneOf(j, runsheet.Failed, runsheet.Queued, runsheet.Running)
			}})
}

// oneOf says what is wrong with a judgement that is none of these.
func oneOf(j runsheet.Judgement, may ...runsheet.Status) string {
	if slices.Contains(may, j.Status) {
		return ""
	}
	return fmt.Sprintf("judged %s: %s", j.Status, j.Reason)
}

// ending is how the rest of a run goes once its last epoch is complete.
type ending struct {
	name string
	act  func(*record.Tenure) error
}

// endings lists the ways; none of the ends holds a final progress, so that the evidence alone says what was done.
func endings() []ending {
	exit := func(code int) func(*record.Tenure) error {
		return func(t *record.Tenure) error {
			return t.End(runsheet.End{Kind: runsheet.EndExit, ExitCode: &code, At: time.Now()})
		}
	}
	return []ending{
		{"its supervisor writes the end", exit(0)},
		{"its command exits 1 all the same", exit(1)},
		{"its supervisor dies", func(t *record.Tenure) error { t.Leave(); return nil }},
	}
}

// observed lets what becomes of a run happen before each operation of an observer in turn, and holds that nobody is told
// what was not so at any moment. It returns how many operations there were, and the violation that it found, if any. The
// quick size leaves out the warm cache but for the first scene, and glances with one.
func observed(ctx context.Context, c method.Config) (operations int, violation string, err error) {
	for i, sc := range scenes() {
		for _, w := range []way{{}, {warm: true}, {glances: true}, {warm: true, glances: true}} {
			if w.warm && (i > 0 || w.glances) && c.Size == method.Quick {
				continue
			}
			for k := int64(1); ; k++ {
				if err := ctx.Err(); err != nil {
					return operations, "", err
				}
				dir := filepath.Join(c.Dir, fmt.Sprintf("observed-%d-%t-%t-%d", i, w.warm, w.glances, k))
				happened, verdict, err := look(ctx, dir, sc, w, k)
				if err != nil {
					return operations, "", fmt.Errorf("observer: %s before operation %d: %w", sc.name, k, err)
				}
				os.RemoveAll(dir)
				if err := ctx.Err(); err != nil {
					return operations, "", err // what an observer says that was interrupted is no answer
				}
				if verdict != "" {
					return operations, fmt.Sprintf("observer: %s, all before operation %d of the observer (with a warm cache: %t, at a glance: %t): %s", sc.name, k, w.warm, w.glances, verdict), nil
				}
				if !happened {
					break // it has fewer operations
				}
				operations++
			}
		}
	}
	return operations, "", nil
}

// way is how an observer looks.
type way struct{ warm, glances bool }

// look observes the run of a scene, which happens before operation k of the observer. It returns whether there was such
// an operation, and what was wrong with the answer.
func look(ctx context.Context, dir string, sc scene, w way, k int64) (happened bool, verdict string, err error) {
	c, err := sc.begin(filepath.Join(dir, "run"))
	if err != nil {
		return false, "", err
	}
	defer c.leave()
	var failed error
	disk := &turning{Disk: volatileDisk{durable.OS()}, then: func() { failed = sc.act(c) }}
	cache := filepath.Join(dir, "cache")
	o := observe.New(disk, progress.New(disk, progress.Options{CacheDir: cache}), executor{record.NewSystem(disk)})
	policy := runsheet.DefaultPolicy
	judge := func() (runsheet.Facts, runsheet.Judgement) {
		var f runsheet.Facts
		if w.glances {
			f = o.Glance(ctx, []runsheet.Run{c.run})[0]
		} else {
			f = o.One(ctx, c.run)
		}
		return f, runsheet.Judge(c.run, f, policy, time.Now())
	}
	if w.warm {
		if _, j := judge(); j.Status != sc.before {
			return false, "", fmt.Errorf("before it the run is %s: %s", j.Status, j.Reason)
		}
	}
	disk.arm(k)
	f, during := judge()
	happened = disk.disarm()
	if failed != nil {
		return happened, "", failed
	}
	if f.Unread() { // it says that it does not know: this machine is busy
		return happened, "", nil
	}
	if verdict := sc.during(f, during); verdict != "" || !happened {
		return happened, verdict, nil
	}
	if _, after := judge(); after.Status != sc.after {
		return true, fmt.Sprintf("judged %s afterwards: %s", after.Status, after.Reason), nil
	}
	return true, "", nil
}

func newCast(workDir string) *cast {
	return &cast{sys: record.NewSystem(volatileDisk{durable.OS()}),
		run: runsheet.Run{Name: "run", WorkDir: workDir, Command: "train", Progress: runsheet.ProgressSpec{Tracker: "auto", Total: epochs}}}
}

// attempt claims the attempt after so many, and begins it.
func (c *cast) attempt(after int) error {
	claim, err := record.Claim(c.sys, runsheet.Facts{Attempt: after}, 0, runsheet.Claim{Run: c.run.Name, Nonce: record.NewNonce(), Executor: executorName,
		Identity: c.run.Command, Command: c.run.Command, WorkDir: c.run.WorkDir, Dir: c.run.WorkDir, Progress: c.run.Progress})
	if err != nil {
		return err
	}
	t, err := record.Take(c.sys, record.AttemptDir(c.run.WorkDir, claim.Attempt))
	if err != nil {
		return err
	}
	c.tenures = append(c.tenures, t)
	return t.Begin(0)
}

// begun makes a run that lives and has one epoch before it.
func begun(workDir string) (*cast, error) {
	c := newCast(workDir)
	for n := range epochs - 1 {
		if err := epoch(workDir, n); err != nil {
			return c, err
		}
	}
	return c, c.attempt(0)
}

// never makes a run that was never attempted.
func never(workDir string) (*cast, error) { return newCast(workDir), nil }

// failedOnce makes a run whose first attempt failed after an epoch.
func failedOnce(workDir string) (*cast, error) {
	c := newCast(workDir)
	if err := epoch(workDir, 0); err != nil {
		return c, err
	}
	if err := c.attempt(0); err != nil {
		return c, err
	}
	code := 1
	return c, c.tenures[0].End(runsheet.End{Kind: runsheet.EndExit, ExitCode: &code, At: time.Now()})
}

// epoch completes an epoch, as training code does.
func epoch(workDir string, n int) error {
	dir := filepath.Join(workDir, fmt.Sprintf("epoch_%d", n))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, name := range []string{"training_losses.pt", "optimizer_buffer.json", "validation_scores.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(`{"aggregated": {"accuracy": 0.9}}`), 0o666); err != nil {
			return err
		}
	}
	return nil
}
