package slurm

import (
	"context"
	"fmt"
	"os/exec"
	"sync"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/forkserver"
	"runsheet/internal/record"
)

// Executor runs attempts as jobs of a Slurm cluster. It implements runsheet.Queue, and is safe for use by several
// goroutines.
type Executor struct {
	sys     record.System
	disk    durable.Disk
	fork    *forkserver.Server
	entries map[string]runsheet.PoolEntry // by what claims name as their host

	configMu sync.Mutex
	config   *config // nil: not asked yet

	notesMu sync.Mutex
	notes   map[string]notes // by batch

	accountMu sync.Mutex
	accounts  map[string]account // by the number of an array

	mu        sync.Mutex
	news      news
	unbegun   map[string]string // which node could not begin a job that Slurm holds since, in words, by the job's name
	seen      snapshot
	asking    chan struct{}     // closed when the squeue that runs has answered; nil: none runs
	known     map[string]*known // by the attempts' nonces
	held      []*batch          // submissions that Slurm did not take whole
	holding   map[string]*batch // where an attempt is held, by its nonce
	limits    map[string]limit  // what Slurm would not exceed, by what claims name as their host
	crowdedAt time.Time         // when Slurm took no more jobs of anybody
	pauses    map[string]pause  // how long it is not asked to, by what claims name as their host
	drains    bool              // a goroutine submits what is held
	asks      map[string]ask    // what is to be asked of jobs, by the attempts' nonces
	flies     bool              // a goroutine asks it
}

// known is what this process remembers of an attempt beside its records.
type known struct {
	submitted time.Time        // when sbatch had taken it; zero: not by us
	gone      time.Time        // when it was found not to be there any more; zero: it was not
	asked     string           // the last signal that its job was sent for us
	askedAt   time.Time        // when
	stopped   runsheet.EndKind // what it was asked to end as; empty: it was not
	refused   string           // why Slurm would never have started it, where it was taken out of the queue for that
	word      *runsheet.Over   // why it never will be submitted
	told      *job             // what the accounting database says of its job, which is over
}

// New returns the executor of the cluster that this machine's Slurm commands talk to. entries are the pool's; those of
// other kinds are left out. Without entries it can look and stop, and start nothing. Slurm's commands are started by fork.
func New(disk durable.Disk, fork *forkserver.Server, entries ...runsheet.PoolEntry) *Executor {
	e := &Executor{sys: record.NewSystem(disk), disk: disk, fork: fork, entries: map[string]runsheet.PoolEntry{},
		known: map[string]*known{}, notes: map[string]notes{}, holding: map[string]*batch{}, limits: map[string]limit{}, pauses: map[string]pause{}, accounts: map[string]account{}, asks: map[string]ask{}}
	for _, entry := range entries {
		if entry.Kind == Name {
			e.entries[entry.Name] = entry
		}
	}
	return e
}

// Ready returns an error where this machine cannot talk to any cluster, because Slurm's commands are not on it.
func Ready() error {
	for _, name := range []string{"sbatch", "squeue", "scancel", "scontrol"} {
		if _, err := exec.LookPath(name); err != nil {
			return missing(name, err)
		}
	}
	return nil
}

// Name implements runsheet.Executor.
func (e *Executor) Name() string { return Name }

// Batch implements runsheet.Queue.
func (e *Executor) Batch(ctx context.Context) (int, error) {
	if s := e.queue(ctx); s.err != nil { // nothing is claimed that could not be submitted
		return 0, s.err
	}
	c, err := e.configured(ctx)
	if err != nil {
		return 0, err
	}
	return c.batch(), nil
}

// Waits implements runsheet.Queue.
func (e *Executor) Waits(ctx context.Context, c runsheet.Claim) (seen runsheet.Sighting, waits bool) {
	s := e.queue(ctx)
	if s.err != nil {
		return seen, false
	}
	e.mu.Lock()
	held := e.holds(c.Nonce)
	e.mu.Unlock()
	if held != "" {
		return runsheet.Sighting{Liveness: runsheet.LivenessAlive, Waiting: true, Why: held}, true
	}
	s.began = time.Time{} // what was noted is read once, and not again for each look at the queue
	f := e.find(ctx, s, c, nil)
	return runsheet.Sighting{Liveness: runsheet.LivenessAlive, Waiting: true, Why: f.why, Never: f.never}, f.ok && phaseOf(f.state) == pending
}

// configured returns what the controller says of itself, which is asked once.
func (e *Executor) configured(ctx context.Context) (config, error) {
	e.configMu.Lock()
	defer e.configMu.Unlock()
	if e.config == nil {
		out, err := e.command(ctx, "scontrol", "show", "config")
		if err != nil {
			return config{}, fmt.Errorf("cannot ask Slurm: %w", err)
		}
		c := parseConfig(out)
		e.config = &c
	}
	return *e.config, nil
}

// remember returns what is remembered of an attempt. e.mu is held.
func (e *Executor) remember(nonce string) *known {
	k := e.known[nonce]
	if k == nil {
		k = &known{}
		e.known[nonce] = k
	}
	return k
}
