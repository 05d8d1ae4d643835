package slurmtest

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// StartController starts the controller, and returns once it answers.
func (c *Cluster) StartController() {
	c.t.Helper()
	c.ctld = c.daemon("slurmctld", "slurmctld", "-D")
	c.awaitFrom(c.ctld, "the controller to answer", func() bool {
		_, err := c.try("scontrol", "ping")
		return err == nil
	})
}

// StopController ends the controller as a restart does: it saves its state first.
func (c *Cluster) StopController() {
	c.t.Helper()
	c.ctld.terminate()
}

// KillController ends the controller as a power cut does. It saves its state every few seconds: what it was told after
// that is forgotten.
func (c *Cluster) KillController() {
	c.t.Helper()
	c.ctld.kill()
}

// CrashAfter does something, and has the controller die and start again without knowing anything of that, as it happens
// with what it was told in its last seconds: it does not know the jobs, and gives their numbers to others.
func (c *Cluster) CrashAfter(do func()) {
	c.t.Helper()
	c.StopController()
	state, saved := c.path("ctld"), c.path("saved")
	if err := os.CopyFS(saved, os.DirFS(state)); err != nil {
		c.t.Fatal(err)
	}
	c.StartController()
	do()
	c.KillController()
	if err := errors.Join(os.RemoveAll(state), os.Rename(saved, state)); err != nil {
		c.t.Fatal(err)
	}
	c.StartController()
}

// PauseController makes the controller hang. Commands fail after Config.MessageTimeout, and what they asked for is done
// nevertheless when it goes on.
func (c *Cluster) PauseController() {
	c.t.Helper()
	if err := c.ctld.cmd.Process.Signal(unix.SIGSTOP); err != nil {
		c.t.Fatal(err)
	}
}

// ResumeController lets a controller go on that hangs.
func (c *Cluster) ResumeController() {
	c.t.Helper()
	if err := c.ctld.cmd.Process.Signal(unix.SIGCONT); err != nil {
		c.t.Fatal(err)
	}
}
