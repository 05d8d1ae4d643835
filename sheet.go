package runsheet

import (
	"slices"
	"time"
)

// Sheet is a runsheet.yaml, expanded: the runs and how they are to be run. It is built by internal/sheet and never
// changed afterwards.
type Sheet struct {
	Path    string            // absolute path of the YAML file
	Typed   string            // how a person names it on a command line, quoted for a shell; empty: it need not be named
	Dir     string            // absolute; the working directory of every command, and what relative paths are relative to
	Name    string            // `name:`, or the file's base name without its extension
	Digest  string            // hex SHA-256 of the file's bytes, to notice that it changed
	Setup   string            // run once a launch, where the launcher runs, before the first start; may be empty
	Env     map[string]string // added to the environment of every command
	Secrets []string          // names of environment variables that are passed on and never written anywhere
	Runs    []Run             // in the order of the sheet; names and work dirs are unique
	Product int               // how many of Runs, the first ones, are combinations of the matrix, which `exclude` can take away
	Skipped []string          // the names of the combinations that `exclude` took away
	Axes    []string          // parameter names in the order of the sheet
	Repeat  string            // the axis that results are averaged over; may be empty
	Metrics []MetricSpec      // in the order of the sheet; may be empty
	Policy  Policy
	Pool    []PoolEntry // at least one
}

// Run is one command with one work dir; the work dir is its identity.
type Run struct {
	Sheet     string       // absolute path of the sheet that it stands in; empty: it was found without one
	Name      string       // k=v,k=v in the sheet's order, awkward characters percent-encoded; never renumbered
	Params    []Param      // in the sheet's order
	WorkDir   string       // absolute, clean
	Shown     string       // the work dir as a person wrote it: relative to the sheet's directory where it lies below it
	Command   string       // the shell command with {resume} empty: what made a result is compared by this text
	Activate  string       // runs before the command, in the same shell, on the host of the attempt: what the host needs for it; may be empty
	Resumed   string       // the same command with {resume} filled in; equal to Command where the sheet has no resume
	Progress  ProgressSpec // how progress is read
	Resources Resources
	Pool      []string // the entries of the pool that it may use, by what the sheet calls them; nil: all
}

// Param is one parameter of a run: the text that the user typed, never decoded and printed again.
type Param struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Value returns the value of the parameter key, and whether the run has it.
func (r Run) Value(key string) (string, bool) {
	for _, p := range r.Params {
		if p.Key == key {
			return p.Value, true
		}
	}
	return "", false
}

// MayUse says whether a run may use the entry of the pool that its sheet calls so.
func (r Run) MayUse(entry string) bool { return len(r.Pool) == 0 || slices.Contains(r.Pool, entry) }

// ProgressSpec says how the progress of a run is read from its evidence. Claims carry it, so that the supervisor can
// read the final progress without the sheet.
type ProgressSpec struct {
	Tracker       string         `json:"tracker"`                  // "auto" unless said otherwise
	Total         int64          `json:"total,omitzero"`           // `epochs` or `total` of the sheet; 0: not said
	Epochs        bool           `json:"epochs,omitzero"`          // Total counts epochs, whatever else the tracker could count
	Unit          string         `json:"unit,omitempty"`           // empty: the tracker's own
	Files         []string       `json:"files,omitempty"`          // what a complete epoch holds; empty: the tracker's own
	Log           string         `json:"log,omitempty"`            // a glob below the work dir whose changes are signs of life
	EarlyStopping *EarlyStopping `json:"early_stopping,omitempty"` // nil: no early stopping

	// What sets up the trackers that read any file.
	File      string   `json:"file,omitempty"`       // a glob below the work dir; of several files the one that changed last
	Patterns  []string `json:"patterns,omitempty"`   // regular expressions (RE2) with named groups, of the tracker regex
	Step      string   `json:"step,omitempty"`       // the column, key or path that holds the count
	FromZero  bool     `json:"from_zero,omitzero"`   // Step holds the number of a unit, and the first one is 0
	TotalFrom string   `json:"total_from,omitempty"` // the column, key or path that holds the total
	Metrics   []string `json:"metrics,omitempty"`    // the columns, keys or paths that are metrics; empty: all numbers
	// Exited is set by whoever asks: the last attempt exited 0, so that nobody will write an end to what has none. No
	// sheet says it, and no claim.
	Exited  bool   `json:"exited,omitzero"`
	Command string `json:"command,omitempty"` // prints the progress; supervisors run it, and nobody else
	// Cuts is set by whoever asks, and by claims: where earlier attempts of the run ended in the middle of a line.
	Cuts []Cut `json:"cuts,omitempty"`
}

// EarlyStopping is the rule by which the training code stops early: no better epoch for Patience epochs after the
// best. Several metrics are compared as a vector: better is at least as good in all and better in one.
type EarlyStopping struct {
	Patience int          `json:"patience"` // epochs, at least 1
	Metrics  []MetricSpec `json:"metrics"`
}

// MetricSpec is a metric's name and the direction in which it improves.
type MetricSpec struct {
	Name string `json:"name"`
	Mode Mode   `json:"mode"`
}

// Mode is the direction in which a metric improves.
type Mode string

// The two directions.
const (
	Max Mode = "max"
	Min Mode = "min"
)

// Resources is what one attempt asks of its host. Zero values ask for nothing.
type Resources struct {
	GPUs      int   `json:"gpus,omitzero"`       // devices, each to itself
	CPUs      int   `json:"cpus,omitzero"`       // cores
	Memory    int64 `json:"memory,omitzero"`     // bytes of main memory
	GPUMemory int64 `json:"gpu_memory,omitzero"` // bytes that must be free on a GPU; 0: DefaultGPUMemory
	// Time is for how long it may run, ns: its supervisor sees to that, or the scheduler that it is handed to. 0: for ever,
	// or what the scheduler's entry of the pool says.
	Time time.Duration `json:"time_ns,omitzero"`
}

// DefaultGPUMemory is how much of a GPU must be free unless the run says otherwise: 12 GiB.
const DefaultGPUMemory = 12 << 30

// Policy is how the launcher behaves. The sheet's defaults are DefaultPolicy.
type Policy struct {
	Jobs           int           // attempts at once on this machine, at least 1
	Retries        int           // further attempts after a failure whose cause can pass, at least 0
	Backoff        time.Duration // wait before the first retry; doubled for each further one
	ActivityWindow time.Duration // evidence younger than this is a sign that somebody is at work
	StuckAfter     time.Duration // no sign of progress for so long is stuck; 0: learned from the run (auto)
	OnStuck        OnStuck
	OutdatedAfter  time.Duration // a finished run older than this is outdated; 0: never
	OutdatedBefore time.Time     // a run finished before this is outdated; zero: never
	RerunOutdated  bool
	StopGrace      time.Duration // between SIGTERM and SIGKILL
	HostLostAfter  time.Duration // silence after which a host's attempts are given up; 0: never
	MinFree        int64         // bytes that must be free where a run works for it to be launched; 0: any number will do
}

// DefaultPolicy is what holds where the sheet says nothing.
var DefaultPolicy = Policy{
	Jobs: 1, Retries: 2, Backoff: 10 * time.Second, ActivityWindow: 10 * time.Minute,
	OnStuck: RestartStuck, OutdatedAfter: 120 * 24 * time.Hour, StopGrace: 30 * time.Second, MinFree: 1 << 30,
}

// OnStuck says what happens to a stuck attempt.
type OnStuck string

// The two ways with a stuck attempt.
const (
	RestartStuck OnStuck = "restart" // end it, with the end "stuck", and retry
	LeaveStuck   OnStuck = "leave"   // show it, touch nothing
)

// PoolEntry is one place where attempts may run.
type PoolEntry struct {
	Kind string // the executor's name: "local" is this machine, "slurm" a cluster
	Name string // what claims name as their host; unique in a pool; empty for this machine, which has its own
	// Called is what the sheet calls it, unique in a pool: its name, or else its partition, or else its kind.
	Called string
	Jobs   int   // attempts at once, of a cluster also those that wait in its queue; 0: the policy's
	GPUs   []int // "local": device indices that may be used; nil: all that are there

	// Of "slurm":
	Partition string
	Time      time.Duration // the time limit of runs that ask for none; 0: the partition's
	Gres      string        // what stands for --gres in place of the run's number of GPUs, as "gpu:a100:1"
	Options   []string      // further options of sbatch, each one argument, as "--account=lab"
}

// DefaultMaxQueued is how many attempts of ours a cluster's queue holds unless the pool says otherwise.
const DefaultMaxQueued = 1000
