package interleave

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
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

// observed lets the rest of a run happen before each operation of an observer in turn, and holds that nobody is told
// that the run failed. It returns how many operations there were, and the violation that it found, if any. The quick size
// leaves out the warm cache but for the first ending.
func observed(ctx context.Context, c method.Config) (operations int, violation string, err error) {
	for i, e := range endings() {
		for _, warm := range []bool{false, true} {
			if warm && i > 0 && c.Size == method.Quick {
				continue
			}
			for k := int64(1); ; k++ {
				if err := ctx.Err(); err != nil {
					return operations, "", err
				}
				dir := filepath.Join(c.Dir, fmt.Sprintf("observed-%d-%t-%d", i, warm, k))
				happened, verdict, err := look(ctx, dir, e, warm, k)
				if err != nil {
					return operations, "", fmt.Errorf("observer: %s before operation %d: %w", e.name, k, err)
				}
				os.RemoveAll(dir)
				if err := ctx.Err(); err != nil {
					return operations, "", err // what an observer says that was interrupted is no answer
				}
				if verdict != "" {
					return operations, fmt.Sprintf("observer: the last epoch is written and %s, all before operation %d of the observer (with a warm cache: %t): %s", e.name, k, warm, verdict), nil
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

// look observes a run whose rest happens before operation k of the observer. It returns whether there was such an
// operation, and what was wrong with the answer.
func look(ctx context.Context, dir string, e ending, warm bool, k int64) (happened bool, verdict string, err error) {
	run, tenure, err := begun(filepath.Join(dir, "run"))
	if err != nil {
		return false, "", err
	}
	defer tenure.Leave()
	var rest error
	disk := &turning{Disk: volatileDisk{durable.OS()}, then: func() {
		if rest = epoch(run.WorkDir, epochs-1); rest == nil {
			rest = e.act(tenure)
		}
	}}
	cache := filepath.Join(dir, "cache")
	o := observe.New(disk, progress.New(disk, progress.Options{CacheDir: cache}), executor{record.NewSystem(disk)})
	judge := func() runsheet.Judgement {
		return runsheet.Judge(run, o.One(ctx, run), runsheet.DefaultPolicy, time.Now())
	}
	if warm {
		if j := judge(); j.Status != runsheet.Running {
			return false, "", fmt.Errorf("before it the run is %s: %s", j.Status, j.Reason)
		}
	}
	disk.arm(k)
	during := judge()
	happened = disk.disarm()
	if rest != nil {
		return happened, "", rest
	}
	// As the run completes, it is running or finished at every moment.
	if during.Status != runsheet.Running && during.Status != runsheet.Finished {
		return happened, fmt.Sprintf("judged %s: %s", during.Status, during.Reason), nil
	}
	if !happened {
		return false, "", nil
	}
	if after := judge(); after.Status != runsheet.Finished {
		return true, fmt.Sprintf("judged %s afterwards: %s", after.Status, after.Reason), nil
	}
	return true, "", nil
}

// begun makes a run that lives and has one epoch before it.
func begun(workDir string) (runsheet.Run, *record.Tenure, error) {
	run := runsheet.Run{Name: "run", WorkDir: workDir, Command: "train", Progress: runsheet.ProgressSpec{Tracker: "auto", Total: epochs}}
	for n := range epochs - 1 {
		if err := epoch(workDir, n); err != nil {
			return run, nil, err
		}
	}
	sys := record.NewSystem(volatileDisk{durable.OS()})
	c, err := record.Claim(sys, runsheet.Facts{}, 0, runsheet.Claim{Run: run.Name, Nonce: record.NewNonce(), Executor: executorName,
		Identity: run.Command, Command: run.Command, WorkDir: workDir, Dir: workDir, Progress: run.Progress})
	if err != nil {
		return run, nil, err
	}
	t, err := record.Take(sys, record.AttemptDir(workDir, c.Attempt))
	if err != nil {
		return run, nil, err
	}
	if err := t.Begin(0); err != nil {
		t.Leave()
		return run, nil, err
	}
	return run, t, nil
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
