package host

import (
	"os/exec"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/forkserver"
	"runsheet/internal/proc"
)

// TestOwn holds that the CPU time of an attempt is measured, with that of children that are gone by then.
func TestOwn(t *testing.T) {
	cmd := exec.Command("sh", "-c", `(i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done); while :; do :; done & while :; do :; done`)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		pids, _ := proc.Descendants(cmd.Process.Pid)
		cmd.Process.Kill()
		for _, pid := range pids {
			if p, err := proc.Identify(pid); err == nil {
				proc.System().Signal(p, 9)
			}
		}
		cmd.Wait()
	}()
	self, err := proc.Identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, supervisors := range [][]runsheet.Process{{self}, nil} { // what this process has started counts as well: a setup
		c := &clock{now: time.Unix(1000, 0)}
		s := NewSampler(forkserver.Here(), false, c)
		s.Own(supervisors, []string{"1"})
		s.Begin(t.Context())
		await(t, "the attempt to be seen at work", func() bool {
			time.Sleep(10 * time.Millisecond)
			c.add(time.Second)
			got, err := s.Sample(t.Context())
			return err == nil && got.OwnCPU > 0 && got.OwnCPU <= 1 && got.OwnLoad > 0 && got.OwnGPUs[0] == "1"
		})
	}
}

// await waits for a condition.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s", what)
		}
	}
}

// TestOwnIsCountedOnce holds what is made of a look at a tree: what a zombie hides for a moment is not taken twice, and the
// load falls as the kernel's does.
func TestOwnIsCountedOnce(t *testing.T) {
	var o own
	key := runsheet.Process{PID: 7}
	at := time.Unix(1000, 0)
	for i, c := range []struct {
		cpu      time.Duration
		runnable int
		limit    time.Duration
		want     time.Duration
		load     float64
	}{
		{100 * time.Second, 3, 0, 0, 3}, // it was there before: all of that is older
		{103 * time.Second, 3, 8 * time.Second, 3 * time.Second, 3},
		{40 * time.Second, 0, 8 * time.Second, 0, 3 * 0.36787944}, // a child is a zombie
		{104 * time.Second, 0, 8 * time.Second, time.Second, 3 * 0.36787944 * 0.36787944},
	} {
		cpu, load := o.take(map[runsheet.Process]proc.Effort{key: {CPU: c.cpu, Runnable: c.runnable}}, at, c.limit)
		if cpu != c.want || load < c.load-1e-6 || load > c.load+1e-6 {
			t.Errorf("look %d: %v, %v; want %v, %v", i, cpu, load, c.want, c.load)
		}
		at = at.Add(time.Minute)
	}
}
