package runsheet

import (
	"regexp"
	"time"
)

// Process identifies a process beyond the reuse of its number: a pid means something only together with the boot and
// the pid namespace it was counted in and the tick it started at.
type Process struct {
	Host         string  `json:"host"`                    // host name, for people; never compared
	Machine      Machine `json:"machine,omitzero"`        // which machine was booted
	BootID       string  `json:"boot_id"`                 // /proc/sys/kernel/random/boot_id
	PIDNamespace string  `json:"pid_namespace,omitempty"` // readlink /proc/self/ns/pid: containers of one boot differ in it
	PID          int     `json:"pid"`
	StartTime    uint64  `json:"start_time"` // clock ticks since boot: field 22 of /proc/PID/stat
}

// Claim is claim.json, written once by the launcher: who may run this attempt, and what is to be run. It holds all
// that the supervisor needs, so that nothing but the attempt's directory has to be handed over.
type Claim struct {
	Schema    string            `json:"schema"` // "runsheet.claim/1"
	Run       string            `json:"run"`
	Attempt   int               `json:"attempt"`
	Nonce     string            `json:"nonce"`   // the attempt's identity; 32 hex digits, also RUNSHEET_TOKEN
	Session   string            `json:"session"` // the `run` that claimed it; retries are counted per session
	Sheet     string            `json:"sheet"`
	By        Process           `json:"by"`
	At        time.Time         `json:"at"`
	Executor  string            `json:"executor"`
	Host      string            `json:"host"`
	Devices   []string          `json:"devices,omitempty"`  // GPU indices, as CUDA_VISIBLE_DEVICES takes them
	Identity  string            `json:"identity"`           // Run.Command: what a result is outdated by, see MadeBy
	Written   string            `json:"written,omitempty"`  // Run.Identity, where it is another text; claims of older versions have none
	Command   string            `json:"command"`            // the command executed
	Commit    string            `json:"commit,omitempty"`   // the git commit of the sheet's directory when it was claimed; empty: not known
	Dirty     bool              `json:"dirty,omitzero"`     // files that git tracks were changed since that commit
	Diff      string            `json:"diff,omitempty"`     // what these changes are kept as, beside the sheet's journal
	Activate  string            `json:"activate,omitempty"` // runs before the command, in the same shell: what the host needs for it
	Resumed   string            `json:"resumed,omitempty"`  // the command once there is progress, where the executor may restart it by itself
	Batch     string            `json:"batch,omitempty"`    // the submission that it was put into a queue with; 32 hex digits
	Task      int               `json:"task,omitzero"`      // its number in that submission, from 0
	Resume    bool              `json:"resume,omitzero"`    // there was progress when it was claimed
	Fresh     bool              `json:"fresh,omitzero"`     // older evidence was set aside for it
	Request   int               `json:"request,omitzero"`   // newest request that was taken into account; later ones apply to it
	WorkDir   string            `json:"work_dir"`
	Dir       string            `json:"dir"` // working directory of the command
	Env       map[string]string `json:"env,omitempty"`
	Progress  ProgressSpec      `json:"progress"`
	StopGrace time.Duration     `json:"stop_grace_ns"`
	Resources Resources         `json:"resources,omitzero"` // what it asked for, with the time limit that its place in the pool gives
	// TimeLimit is for how long the attempt may run, after which its supervisor ends it. 0: for ever, or for as long as the
	// scheduler says whose queue it was claimed for.
	TimeLimit time.Duration `json:"time_limit_ns,omitzero"`
}

// MadeBy says whether the attempt is one of the run's command as it stands in the sheet now. A project that was moved, or a
// work dir with another name, makes no other command.
func (c Claim) MadeBy(run Run) bool {
	return c.Identity == run.Command || c.Written != "" && c.Written == run.Identity
}

// Start is start.json, written once: by the supervisor before it lets the command go, or as Void by whoever gives the
// attempt up before it began.
type Start struct {
	Schema       string    `json:"schema"` // "runsheet.start/1"
	Nonce        string    `json:"nonce"`
	Process                // the supervisor's, or the one that gave it up
	ProcessGroup int       `json:"process_group,omitzero"` // the command's session and process group; 0 when void
	Job          string    `json:"job,omitempty"`          // the scheduler's name of the job that the supervisor runs in, as "12_3"
	At           time.Time `json:"at"`
	Void         bool      `json:"void,omitzero"`
}

// EndKind says how an attempt ended.
type EndKind string

// The ways in which an attempt ends.
const (
	EndExit      EndKind = "exit"       // the command exited by itself: ExitCode holds
	EndSignal    EndKind = "signal"     // a signal that was not ours ended it: Signal holds
	EndStopped   EndKind = "stopped"    // Ctrl-C or a stop request
	EndStuck     EndKind = "stuck"      // the launcher ended it for want of progress
	EndLost      EndKind = "lost"       // its supervisor was proved gone without an end of its own
	EndVoid      EndKind = "void"       // called off before it began
	EndError     EndKind = "error"      // the command could not be started: Cause.Text says why
	EndPreempted EndKind = "preempted"  // the scheduler gave its place to another job, or restarted it
	EndTimeLimit EndKind = "time_limit" // the time that it may run for was over: the sheet's, or the scheduler's
	EndCancelled EndKind = "cancelled"  // its job was cancelled with the scheduler's own command, or killed for its memory
)

// Failure says whether an end of this kind counts against the retries, unless the work was complete. A lost or preempted
// attempt does not: its run is not to blame.
func (k EndKind) Failure() bool {
	switch k {
	case EndStopped, EndLost, EndVoid, EndPreempted:
		return false
	}
	return true
}

// End is end.json, written once, when nothing of the attempt lives any more.
type End struct {
	Schema     string    `json:"schema"` // "runsheet.end/1"
	Nonce      string    `json:"nonce"`
	By         Process   `json:"by"`
	Kind       EndKind   `json:"kind"`
	ExitCode   *int      `json:"exit_code,omitempty"`
	Signal     string    `json:"signal,omitempty"` // as "SIGKILL"
	Cause      Cause     `json:"cause,omitzero"`
	Progress   *Progress `json:"progress,omitempty"` // read after the last process was gone; nil: nobody could read it
	At         time.Time `json:"at"`
	PeakMemory int64     `json:"peak_memory_bytes,omitzero"` // of the whole tree, resident
	CPU        float64   `json:"cpu_seconds,omitzero"`       // user and system, of the whole tree
	Wall       float64   `json:"wall_seconds,omitzero"`
	Forced     bool      `json:"forced,omitzero"`   // a person let go of it without proof (retry --force)
	Requeued   bool      `json:"requeued,omitzero"` // its job is started again, and goes on with the next attempt
}

// Failure says whether an end counts against the retries, unless the work was complete: its kind does, and it was not we who
// could start nothing just then.
func (e End) Failure() bool { return e.Kind.Failure() && e.Cause.Kind != CauseShort }

// Cause is why an attempt failed, as far as can be told from its exit and the tail of its log.
type Cause struct {
	Kind CauseKind `json:"kind,omitempty"` // empty: no failure
	Text string    `json:"text,omitempty"` // one line for a person, without control characters
	// Where is the line of the program at which an exception was thrown, as "train.py:12", where the log names one and the
	// exception is none that passes by itself: that of a network, a file system or a device does.
	Where string `json:"where,omitempty"`
}

// Repeats says whether a failure is the one before it again: the same exception, at the same line of the program.
func (c Cause) Repeats(before Cause) bool {
	return c.Where != "" && c.Where == before.Where && c.Kind == before.Kind &&
		address.ReplaceAllString(c.Text, "") == address.ReplaceAllString(before.Text, "")
}

// address is that of an object in memory: another one in each process.
var address = regexp.MustCompile(`\b0x[0-9a-fA-F]{6,16}\b`)

// CauseKind is a class of failures.
type CauseKind string

// The causes that are told apart.
const (
	CauseCUDAOutOfMemory CauseKind = "cuda_out_of_memory"
	CauseOOMKilled       CauseKind = "oom_killed"    // by the kernel
	CauseOutOfMemory     CauseKind = "out_of_memory" // MemoryError, bad_alloc, ...
	CauseNaN             CauseKind = "nan_loss"
	CauseNoSpace         CauseKind = "no_space"
	CauseImport          CauseKind = "import_error"
	CauseMissingFile     CauseKind = "missing_file"
	CauseCommand         CauseKind = "command_not_found" // also: not executable
	CauseSyntax          CauseKind = "syntax_error"
	CauseUsage           CauseKind = "usage"    // the command line of the command is wrong
	CauseActivate        CauseKind = "activate" // what the sheet has activated before the command failed; the command was not run
	CausePreempted       CauseKind = "preempted"
	CauseTimeLimit       CauseKind = "time_limit"
	CauseSignal          CauseKind = "signal"
	CauseTraceback       CauseKind = "exception"   // the last line of a traceback
	CauseExit            CauseKind = "exit_code"   // nothing more is known
	CauseIncomplete      CauseKind = "incomplete"  // exited 0 before the work was complete
	CauseNoEvidence      CauseKind = "no_evidence" // exited 0, and nothing in its work dir shows progress, of which the sheet says how much there is
	CauseStuck           CauseKind = "stuck"
	CauseLost            CauseKind = "lost"
	CauseCancelled       CauseKind = "cancelled"   // with the scheduler's own command
	CauseWithdrawn       CauseKind = "withdrawn"   // taken out of the queue, by us
	CauseNotStarted      CauseKind = "not_started" // neither its supervisor nor its job could be started
	CauseRefused         CauseKind = "refused"     // the place in the pool that it was claimed for will never start it, as things are; another one may
	CauseShort           CauseKind = "short"       // whoever was to start it had no file, process, memory or room left for that: no fault of the run's
	CauseNoHost          CauseKind = "no_host"     // of a run that is given up: no host of the pool could ever have room for it
	CauseNodeFailed      CauseKind = "node_failed" // by the scheduler's word
	CauseRequeued        CauseKind = "requeued"    // its job was put back into the queue: somebody asked for that, or nobody says why
)

// CanPass says whether a cause may be gone at another try. An import error, a missing file or a wrong command line
// is there again a minute later.
func (k CauseKind) CanPass() bool {
	switch k {
	case CauseImport, CauseMissingFile, CauseCommand, CauseSyntax, CauseUsage:
		return false
	}
	return true
}

// RequestKind is what a person asks of a run.
type RequestKind string

// The requests.
const (
	RequestStop  RequestKind = "stop"
	RequestRetry RequestKind = "retry"
)

// Request is requests/NNNNNN.json, written once; the one with the highest number wins.
type Request struct {
	Schema string      `json:"schema"` // "runsheet.request/1"
	Number int         `json:"number"`
	Kind   RequestKind `json:"kind"`
	By     Process     `json:"by"`
	User   string      `json:"user"`
	At     time.Time   `json:"at"`
	// Releases is the nonce of an attempt whose records are gone, and of which the person says that it lives no more.
	Releases string `json:"releases,omitempty"`
}
