package record

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
)

// Why a supervisor may not go on with an attempt.
var (
	// ErrHeld: another supervisor owns it.
	ErrHeld = errors.New("another supervisor owns the attempt")
	// ErrOver: it has an end, or was called off before it began.
	ErrOver = errors.New("the attempt is over")
	// ErrSuperseded: a later attempt was claimed.
	ErrSuperseded = errors.New("a later attempt was claimed")
	// ErrStopAsked: a person asked for a stop after it was claimed.
	ErrStopAsked = errors.New("a stop was asked for")
)

// endRoom is how many bytes are reserved for an end, so that a full disk cannot lose it.
const endRoom = 16 << 10

// Tenure is a supervisor's ownership of one attempt, from taking its byte of `alive` until the end is durable.
type Tenure struct {
	Dir   string // the attempt's directory
	Claim runsheet.Claim
	Start runsheet.Start // after Begin
	Job   string         // the scheduler's name of the job that the supervisor runs in; it goes into the start
	sys   System
	lock  Lock
	spare Spare
}

// Trust returns nil for the directory of an attempt that is ours alone, as are those above it up to the work dir.
func Trust(sys System, label, attemptDir string) error {
	workDir := workDirOf(attemptDir)
	for _, dir := range []string{Dir(workDir), AttemptsDir(workDir), attemptDir} {
		if err := sys.FS.Private(label, dir, false); err != nil {
			return err
		}
	}
	return nil
}

// Take makes the caller the supervisor of an attempt: it takes the lock first, and only then looks whether the attempt
// is still to be run. It returns ErrHeld, ErrOver, ErrSuperseded, or an error about a claim that is not to be trusted.
// With ErrStopAsked the tenure is returned as well, so that the caller can write the end.
func Take(sys System, attemptDir string) (*Tenure, error) {
	if err := Trust(sys, "take", attemptDir); err != nil {
		return nil, err
	}
	claim, err := readRecord(sys, "take", ClaimPath(attemptDir), DecodeClaim)
	if err != nil {
		return nil, err
	}
	if AttemptDir(claim.WorkDir, claim.Attempt) != attemptDir {
		return nil, fmt.Errorf("%s: %w: it claims %s", ClaimPath(attemptDir), ErrDamaged, AttemptDir(claim.WorkDir, claim.Attempt))
	}
	lock, err := sys.Locks.Open("take", AlivePath(attemptDir))
	if err != nil {
		return nil, err
	}
	t := &Tenure{Dir: attemptDir, Claim: *claim, sys: sys, lock: lock}
	got, err := lock.Try(SupervisorByte)
	if err == nil && !got {
		err = ErrHeld
	}
	if err == nil {
		err = t.look()
	}
	if err == nil || errors.Is(err, ErrStopAsked) {
		var perr error
		if t.spare, perr = sys.FS.Prepare("take", attemptDir, endRoom); perr != nil {
			err = perr
		}
	}
	if err != nil && !errors.Is(err, ErrStopAsked) {
		t.Leave()
		return nil, err
	}
	return t, err
}

// look finds out, under the lock, whether the attempt is still to be run.
func (t *Tenure) look() error {
	same, err := t.lock.Same()
	if err != nil {
		return err
	}
	if !same {
		return fmt.Errorf("%w: %s was taken away", ErrOver, AlivePath(t.Dir))
	}
	names, err := t.sys.FS.List("take", t.Dir)
	if err != nil {
		return err
	}
	if slices.Contains(names, endName) || slices.Contains(names, startName) {
		return ErrOver
	}
	ns, err := attempts(t.sys, t.Claim.WorkDir)
	if err != nil {
		return err
	}
	for _, n := range ns {
		if n <= t.Claim.Attempt {
			continue
		}
		v, err := LookAt(t.sys, t.Claim.WorkDir, n)
		if err != nil {
			return err
		}
		if v.Claim != nil {
			return fmt.Errorf("%w: attempt %d", ErrSuperseded, n)
		}
	}
	_, err = t.stopAsked()
	return err
}

// stopAsked returns ErrStopAsked and the request where a person asked for a stop that the claim did not know of.
func (t *Tenure) stopAsked() (*runsheet.Request, error) {
	r, err := newestRequest(t.sys, t.Claim.WorkDir)
	if err == nil && r != nil && r.Kind == runsheet.RequestStop && r.Number > t.Claim.Request {
		return r, ErrStopAsked
	}
	return nil, err
}

// Begin writes the start: from here on the command may run. processGroup is the command's session and process group,
// or 0 where nothing will be run. It returns ErrOver where somebody gave the attempt up first.
func (t *Tenure) Begin(processGroup int) error {
	s := runsheet.Start{Schema: startSchema, Nonce: t.Claim.Nonce, Process: t.sys.Procs.Self(),
		ProcessGroup: processGroup, Job: t.Job, At: t.sys.Clock.Now()}
	data, err := encode(s)
	if err != nil {
		return err
	}
	err = t.sys.FS.WriteOnce("start", StartPath(t.Dir), data)
	if errors.Is(err, durable.ErrExists) {
		theirs, rerr := readRecord(t.sys, "start", StartPath(t.Dir), DecodeStart)
		if rerr != nil {
			return rerr
		}
		if theirs.Void || !proc.Same(theirs.Process, s.Process) {
			return ErrOver
		}
		s = *theirs // it was ours: only the reply was lost
	} else if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	t.Start = s
	return nil
}

// Verdict is what a look over the fence says.
type Verdict int

// The verdicts.
const (
	GoOn      Verdict = iota
	TakenOver         // somebody else wrote the end, or the work dir was taken away: end the command and leave
	StopAsked         // a person asked for a stop
)

// Fence looks whether the attempt is still the supervisor's own. An error means that it could not be found out, as
// while a server is away; the supervisor looks again later.
func (t *Tenure) Fence() (Verdict, error) {
	names, err := t.sys.FS.List("fence", t.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return TakenOver, nil
	}
	if err != nil {
		return GoOn, err
	}
	if slices.Contains(names, endName) {
		e, err := readRecord(t.sys, "fence", EndPath(t.Dir), DecodeEnd)
		if err != nil {
			return GoOn, err
		}
		if proc.Same(e.By, t.sys.Procs.Self()) && e.Nonce == t.Claim.Nonce {
			return GoOn, nil // its own, whose reply was lost: End is to be called again, until it is known to be durable
		}
		return TakenOver, nil
	}
	same, err := t.lock.Same()
	if err != nil {
		return GoOn, err
	}
	if !same {
		return TakenOver, nil
	}
	if _, err = t.stopAsked(); errors.Is(err, ErrStopAsked) {
		return StopAsked, nil
	}
	return GoOn, err
}

// End writes the end of the attempt; nothing of it may live any more. After nil the end is durable, and the
// supervisor's byte is free. ErrOver means that another end stands there, and the attempt is let go as well. After any
// other error the lock is still held, and End may be called again.
func (t *Tenure) End(e runsheet.End) error {
	e.Schema, e.Nonce, e.By = endSchema, t.Claim.Nonce, t.sys.Procs.Self()
	data, err := encode(e)
	if err != nil {
		return err
	}
	err = t.spare.WriteOnce(EndPath(t.Dir), data)
	if errors.Is(err, durable.ErrExists) {
		theirs, rerr := readRecord(t.sys, "end", EndPath(t.Dir), DecodeEnd)
		if rerr != nil {
			return rerr
		}
		t.Leave()
		if !proc.Same(theirs.By, e.By) {
			return ErrOver
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("end: %w", err)
	}
	t.Leave()
	return nil
}

// Leave lets the attempt go without a word.
func (t *Tenure) Leave() {
	if t.spare != nil {
		t.spare.Discard()
	}
	t.lock.Close()
}
