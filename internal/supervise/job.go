package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

// BatchFlag comes before the path of a batch's list where the supervisor runs in a job of a scheduler.
const BatchFlag = "--batch"

// What sbatch(1) says of the environment of a job ("OUTPUT ENVIRONMENT VARIABLES").
const (
	envJob      = "SLURM_JOB_ID"
	envArrayJob = "SLURM_ARRAY_JOB_ID"
	envTask     = "SLURM_ARRAY_TASK_ID"
	envRestarts = "SLURM_RESTART_COUNT"
)

// settleFor is how long a restarted job waits for the supervisor of its earlier execution to be gone.
const settleFor = 2 * time.Minute

// job finds the attempt that a job of the scheduler is to supervise, and becomes its supervisor: the same process, with
// the attempt's token in its environment, so that it is findable.
func job(list string) error {
	disk := durable.OS()
	// Slurm made the log of this job as readable as the user's umask has it.
	if info, err := os.Stdout.Stat(); err == nil && info.Mode().IsRegular() {
		os.Stdout.Chmod(0o600)
	}
	proc.KnowMachine(disk) // on the machines of a cluster there may be no launcher that does
	sys := record.NewSystem(disk)
	task, err := strconv.Atoi(orElse(os.Getenv(envTask), "0"))
	if err != nil {
		return fmt.Errorf("%s is %q, and no number", envTask, os.Getenv(envTask))
	}
	dir, err := record.BatchTask(sys, list, task)
	if err != nil {
		return err
	}
	if restarts, _ := strconv.Atoi(os.Getenv(envRestarts)); restarts > 0 {
		if dir, err = restart(sys, disk, dir); err != nil {
			return err
		}
	}
	return become(sys, dir)
}

// restart finds the attempt of a job that was started before.
func restart(sys record.System, disk durable.Disk, dir string) (string, error) {
	cache := progress.New(disk, progress.Options{})
	final := func(c runsheet.Claim) *runsheet.Progress {
		p := cache.Get(context.Background(), c.WorkDir, c.Progress, false)
		return &p
	}
	var known *runsheet.Over // Slurm is asked once
	over := func(c runsheet.Claim, s runsheet.Start) runsheet.Over {
		if known == nil {
			o := requeuedBy(disk, c, s)
			known = &o
		}
		return *known
	}
	for deadline := time.Now().Add(settleFor); ; time.Sleep(time.Second) {
		next, err := record.Restart(context.Background(), sys, dir, over, final)
		waits := errors.Is(err, record.ErrLive) || errors.Is(err, record.ErrUnproven)
		if !waits || time.Now().After(deadline) {
			return next, err
		}
	}
}

// become replaces this process by the supervisor of the attempt in dir. It returns only an error.
func become(sys record.System, dir string) error {
	if err := record.Trust(sys, "job", dir); err != nil {
		return err
	}
	data, err := sys.FS.Read("job", record.ClaimPath(dir))
	if err != nil {
		return err
	}
	claim, err := record.DecodeClaim(data)
	if err != nil {
		return fmt.Errorf("%s: %w", record.ClaimPath(dir), err)
	}
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, proc.TokenVariable+"=") })
	err = unix.Exec("/proc/self/exe", []string{os.Args[0], Verb, dir}, append(env, proc.TokenVariable+"="+claim.Nonce))
	return fmt.Errorf("become the supervisor: %w", err)
}

// jobName returns the scheduler's name of the job that a supervisor of the claim runs in; empty: none. A supervisor that
// a launcher inside a job started is not the scheduler's business.
func jobName(c runsheet.Claim) string {
	switch array := os.Getenv(envArrayJob); {
	case c.Batch == "":
		return ""
	case array != "":
		return array + "_" + os.Getenv(envTask)
	}
	return os.Getenv(envJob)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
