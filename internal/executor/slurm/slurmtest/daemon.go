package slurmtest

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// daemon is one process that belongs to the cluster, with all that it started.
type daemon struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it is gone
}

// daemon starts a process that says what it has to say in a log.
func (c *Cluster) daemon(name, program string, args ...string) *daemon {
	c.t.Helper()
	log, err := os.OpenFile(c.path("log/"+name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), c.Env()...)
	cmd.Stdout, cmd.Stderr = log, log
	// With the test it goes, even where the test is killed.
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}
	d := &daemon{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// Pdeathsig is that of the thread that forked: it stays for as long as the daemon does.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
		close(d.done)
	}()
	if err := <-started; err != nil {
		c.t.Fatal(err)
	}
	return d
}

// gone says whether the daemon is no more. None at all is not gone.
func (d *daemon) gone() bool {
	if d == nil {
		return false
	}
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}

// terminate ends the daemon politely, and returns once it is gone.
func (d *daemon) terminate() {
	d.cmd.Process.Signal(unix.SIGTERM)
	select {
	case <-d.done:
	case <-time.After(patience):
		d.kill()
	}
}

// kill ends the daemon at once, and returns once it is gone.
func (d *daemon) kill() {
	d.cmd.Process.Kill()
	<-d.done
}

// startMunge starts the daemon that vouches for who sends a message, with a key and a socket of the cluster's own.
func (c *Cluster) startMunge() {
	c.t.Helper()
	key := make([]byte, 128)
	rand.Read(key)
	c.write("munge/key", string(key), 0o600)
	c.munged = c.daemon("munged", "munged", "--foreground", "--force", "--socket="+c.path("munge/socket"), "--key-file="+c.path("munge/key"),
		"--log-file="+c.path("munge/log"), "--pid-file="+c.path("munge/pid"), "--seed-file="+c.path("munge/seed"), "--num-threads=2")
	c.awaitFrom(c.munged, "munge's socket", func() bool {
		info, err := os.Stat(c.path("munge/socket"))
		return err == nil && info.Mode()&os.ModeSocket != 0
	})
}

// stop ends the cluster and removes what it wrote.
func (c *Cluster) stop() {
	if c.t.Failed() {
		c.t.Log(c.lastWords())
	}
	for _, d := range c.nodes {
		d.kill()
	}
	for _, d := range []*daemon{c.ctld, c.munged} {
		if d != nil {
			d.kill()
		}
	}
	if err := os.RemoveAll(c.dir); err != nil {
		c.t.Errorf("remove the cluster: %v", err)
	}
}

// lastWords returns the ends of the daemons' logs.
func (c *Cluster) lastWords() string {
	var b strings.Builder
	logs, _ := filepath.Glob(c.path("log/*"))
	for _, path := range logs {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(data)), "\n")
		fmt.Fprintf(&b, "== %s\n%s\n", filepath.Base(path), strings.Join(lines[max(len(lines)-25, 0):], "\n"))
	}
	return b.String()
}
