package exectest

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/proc"
)

// Living returns the processes of an attempt that live, its supervisor included: whoever carries its token.
func Living(t testing.TB, nonce string) []runsheet.Process {
	t.Helper()
	found, err := proc.System().Find(nonce, 0, runsheet.Process{})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// EndAll ends whatever carries the token of an attempt at once: for the end of a test.
func EndAll(t testing.TB, nonce string) {
	t.Helper()
	find := func() ([]runsheet.Process, error) { return proc.System().Find(nonce, 0, runsheet.Process{}) }
	if err := proc.EndAll(context.Background(), proc.System(), find, 0, proc.SystemClock()); err != nil {
		t.Error(err)
	}
}

// Kill ends exactly this process with SIGKILL, as nothing can prepare for.
func Kill(t testing.TB, p runsheet.Process) {
	t.Helper()
	if err := proc.System().Signal(p, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	Await(t, "a killed process to be gone", func() bool { return proc.System().Check(p) != proc.Alive })
}

// Needs skips the test where programs are missing that its commands use.
func Needs(t testing.TB, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("its commands use %s: %v", name, err)
		}
	}
}

// SmallDisk mounts a tmpfs of the given size ("size=512k") that is gone with the test, and returns where. Only root may
// do that; for anybody else the test is skipped.
func SmallDisk(t testing.TB, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small file system to fill")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0700,"+size); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}
