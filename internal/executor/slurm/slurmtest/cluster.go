// Package slurmtest runs real Slurm clusters for tests, and is for tests alone: munged, slurmctld and a slurmd for each
// node, from the system's packages, all on this machine and on loopback. Each node has pid, mount and UTS namespaces of
// its own, so that what runs there looks from here as if it ran on another machine that shares the file system: nobody
// here can see its processes, and only Slurm can tell what became of them.
package slurmtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Config is how a cluster is to be. Zero values are Slurm's defaults, or the smallest that makes sense.
type Config struct {
	Name         string        // what the cluster is called; empty: "test"
	Nodes        int           // 0: three
	CPUs         int           // of each node; 0: four
	GPUs         int           // of each node: device nodes that are no GPUs
	MaxArraySize int           // one more than the highest number of a task in an array
	MaxJobCount  int           // jobs that the controller takes, those that are over included, for MinJobAge
	MinJobAge    time.Duration // how long the controller shows a job that is over
	KillWait     time.Duration // between SIGTERM and SIGKILL; 0: two seconds
	Grace        time.Duration // between being chosen and being preempted; there is a partition "yielding" for it then

	// SlurmdTimeout is how long a node may be silent before it is taken for dead; 0: six seconds. The controller looks
	// so seldom that it may take half a minute longer.
	SlurmdTimeout time.Duration
	// MessageTimeout is how long a command waits for the controller; 0: ten seconds.
	MessageTimeout time.Duration

	// OverMemoryKill: every second the memory of jobs is looked at, and one that takes more than it asked for is ended, as
	// sites without cgroups have it (JobAcctGatherParams).
	OverMemoryKill bool
	// Accounting: there is an accounting database, which sacct asks.
	Accounting bool
	// Comments: the site's job_submit plugin writes a comment of its own on every job, whatever it was submitted with.
	Comments bool
	// SubmitLimit is how many jobs of this user may wait or run, each task of an array one of them, as an accounting
	// database limits them: there is one then. 0: no limit.
	SubmitLimit int
}

// Cluster is a running cluster.
type Cluster struct {
	t      testing.TB
	dir    string
	config Config
	ports  []int // the controller's first, then those of the nodes, then slurmdbd's
	*daemons
}

// daemons are what runs of a cluster.
type daemons struct {
	munged *daemon
	ctld   *daemon
	mu     sync.Mutex
	nodes  map[string]*daemon
}

// patience is how long a daemon may take to do what is waited for.
const patience = 60 * time.Second

// Needs skips the test where a cluster cannot be run.
func Needs(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can run a Slurm cluster with namespaces for its nodes")
	}
	for _, name := range []string{"munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "unshare"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("a Slurm cluster needs %s: install munge, slurmctld, slurmd and slurm-client", name)
		}
	}
}

// Start starts a cluster, and returns once its nodes are idle. It is gone, with all that ran on it, at the end of the
// test. SLURM_CONF of this process names it, so that Slurm's commands talk to it.
func Start(t testing.TB, config Config) *Cluster {
	t.Helper()
	Needs(t)
	if config.accounted() {
		needsAccounting(t)
	}
	if config.Comments {
		needsLua(t)
	}
	if config.Name == "" {
		config.Name = "test"
	}
	if config.Nodes == 0 {
		config.Nodes = 3
	}
	if config.CPUs == 0 {
		config.CPUs = 4
	}
	if config.KillWait == 0 {
		config.KillWait = 2 * time.Second
	}
	// Paths of unix sockets are short.
	dir, err := os.MkdirTemp("", "slurm")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{t: t, dir: dir, config: config, daemons: &daemons{nodes: map[string]*daemon{}}}
	t.Cleanup(c.stop)
	c.ports = reservePorts(t, config.Nodes+2)
	c.write("slurm.conf", c.conf(), 0o644)
	c.write("gres.conf", c.gres(), 0o644)
	c.write("plugstack.conf", "", 0o644)
	if config.Comments {
		c.write("job_submit.lua", comments, 0o644)
	}
	c.write("prolog", "#!/bin/sh\n[ ! -e '"+c.path("sick.")+"'\"$SLURMD_NODENAME\" ]\n", 0o755) // see Sicken
	c.write("hosts", "127.0.0.1 localhost "+strings.Join(c.Nodes(), " ")+"\n", 0o644)
	for _, sub := range []string{"ctld", "log", "munge"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	os.Chmod(dir, 0o755)
	os.Chmod(filepath.Join(dir, "munge"), 0o755)
	t.Setenv("SLURM_CONF", c.path("slurm.conf"))
	c.startMunge()
	if config.accounted() {
		c.startAccounting()
	}
	c.StartController()
	for i := 1; i <= config.Nodes; i++ {
		c.StartNode("node" + strconv.Itoa(i))
	}
	return c
}

// With returns the cluster for a subtest, which then fails where the cluster lets it down. Several may use it at once,
// each its own nodes.
func (c *Cluster) With(t testing.TB) *Cluster {
	d := *c
	d.t = t
	return &d
}

// StartNode starts a node, and returns once it can be given jobs.
func (c *Cluster) StartNode(name string) {
	c.t.Helper()
	if err := os.MkdirAll(c.path(name), 0o755); err != nil {
		c.t.Fatal(err)
	}
	// The shell is the node's first process, and reaps what loses its parent: slurmd would not. slurmd listens where its
	// host name leads to.
	node := c.daemon(name, "unshare", "--pid", "--fork", "--mount-proc", "--uts", "--mount", "--kill-child",
		"sh", "-c", `mount --bind "$1" /etc/hosts && hostname "$0" && { slurmd -D -N "$0" & wait; }`, name, c.path("hosts"))
	c.mu.Lock()
	c.nodes[name] = node
	c.mu.Unlock()
	c.awaitFrom(node, name+" to be idle", func() bool {
		out, err := c.try("sinfo", "--noheader", "--nodes="+name, "--format=%T")
		state := strings.TrimSpace(strings.SplitN(out, "\n", 2)[0])
		if err == nil && strings.HasPrefix(state, "down") {
			c.try("scontrol", "update", "nodename="+name, "state=resume")
		}
		return err == nil && (state == "idle" || state == "mixed" || state == "allocated")
	})
}

// KillNode ends a node with all that runs on it, as a power cut does. The controller finds out by itself.
func (c *Cluster) KillNode(name string) {
	c.t.Helper()
	c.mu.Lock()
	node := c.nodes[name]
	c.mu.Unlock()
	node.kill()
}

// Sicken has a node fail in what it does before a job, as one does whose disk is full. Slurm gives it no more jobs then, and
// holds the one that it could not begin.
func (c *Cluster) Sicken(name string) {
	c.t.Helper()
	c.write("sick."+name, "", 0o644)
}

// Heal lets a node that was sickened be given jobs again.
func (c *Cluster) Heal(name string) {
	c.t.Helper()
	if err := os.Remove(c.path("sick." + name)); err != nil {
		c.t.Fatal(err)
	}
	c.Run("scontrol", "update", "nodename="+name, "state=resume")
}

// MarkDown tells the controller that a node is lost, which takes it half a minute to find out by itself: it gives up the
// jobs there, or queues them again.
func (c *Cluster) MarkDown(name string) {
	c.t.Helper()
	c.Run("scontrol", "update", "nodename="+name, "state=down", "reason=test")
}

// Env is what a process needs in its environment for Slurm's commands to talk to this cluster. Start sets it in that of
// this process; where there are two clusters the later one has it.
func (c *Cluster) Env() []string { return []string{"SLURM_CONF=" + c.path("slurm.conf")} }

// Nodes returns the names of the nodes.
func (c *Cluster) Nodes() []string {
	var names []string
	for i := 1; i <= c.config.Nodes; i++ {
		names = append(names, "node"+strconv.Itoa(i))
	}
	return names
}

// Run runs one of Slurm's commands and returns what it printed, without the last newline. A failure ends the test.
func (c *Cluster) Run(name string, args ...string) string {
	c.t.Helper()
	out, err := c.try(name, args...)
	if err != nil {
		c.t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimRight(out, "\n")
}

// Try runs one of Slurm's commands, and returns an error with what it printed where it failed.
func (c *Cluster) Try(name string, args ...string) error {
	if out, err := c.try(name, args...); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// AsNobody runs one of Slurm's commands as another user, who has no rights, and returns an error with what it printed where
// it failed.
func (c *Cluster) AsNobody(name string, args ...string) error {
	cmd := c.command(name, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = Nobody()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// Nobody makes a command that of a user who has no rights.
func Nobody() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: NobodyID, Gid: NobodyID}}
}

// NobodyID is the number of that user, and of the user's group, on every Linux.
const NobodyID = 65534

func (c *Cluster) try(name string, args ...string) (string, error) {
	out, err := c.command(name, args...).CombinedOutput()
	return string(out), err
}

func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), c.Env()...)
	return cmd
}

func (c *Cluster) path(name string) string { return filepath.Join(c.dir, name) }

func (c *Cluster) write(name, text string, perm os.FileMode) {
	c.t.Helper()
	if err := os.WriteFile(c.path(name), []byte(text), perm); err != nil {
		c.t.Fatal(err)
	}
}

// await waits for a condition, and fails the test with the daemons' last words where it does not come.
func (c *Cluster) await(what string, done func() bool) {
	c.t.Helper()
	c.awaitFrom(nil, what, done)
}

// awaitFrom waits for what a daemon is to bring about, if one is named: it fails at once where that is gone.
func (c *Cluster) awaitFrom(d *daemon, what string, done func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if d.gone() && !done() {
			c.t.Fatalf("waited for %s, and the daemon is gone\n%s", what, c.lastWords())
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("waited %v for %s\n%s", patience, what, c.lastWords())
		}
	}
}
