package record

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"runsheet"
	"runsheet/internal/durable"
)

// What a claim can run into. All mean: look again, and decide anew.
var (
	// ErrTaken: somebody else has claimed that attempt.
	ErrTaken = errors.New("claimed by somebody else")
	// ErrLive: the attempt before it has no end yet.
	ErrLive = errors.New("an attempt has no end yet")
)

// NewNonce returns the identity of a new attempt: 32 hex digits that nobody else has.
func NewNonce() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Claim claims the attempt after those that seen tells of, and returns the claim as it was written: who holds it may
// start that attempt, once. seen must be facts that the decision to launch was made from: the claim then fails where
// anything was claimed since. floor is the highest attempt that the caller knows of from elsewhere (its journal).
//
// The caller fills in all of c but Schema, Attempt, Request, By and At.
func Claim(sys System, seen runsheet.Facts, floor int, c runsheet.Claim) (runsheet.Claim, error) {
	if seen.Problem != "" {
		return c, fmt.Errorf("claim %s: %w: %s", c.Run, ErrDamaged, seen.Problem)
	}
	if seen.Live() {
		return c, fmt.Errorf("claim %s: %w: attempt %d", c.Run, ErrLive, seen.Attempt)
	}
	c.Schema, c.By, c.At = claimSchema, sys.Procs.Self(), sys.Clock.Now()
	c.Attempt = max(seen.Attempt, floor) + 1
	if c.Progress.Cuts = seen.NextCuts(); c.Fresh {
		c.Progress.Cuts = nil // that evidence is set aside
	}
	c.Request = 0
	if seen.Request != nil {
		c.Request = seen.Request.Number
	}
	dir := AttemptDir(c.WorkDir, c.Attempt)
	if err := private(sys, "claim", c.WorkDir, dir); err != nil {
		return c, fmt.Errorf("claim %s: %w", c.Run, err)
	}
	if err := settled(sys, seen, c); err != nil {
		return c, fmt.Errorf("claim %s: %w", c.Run, err)
	}
	data, err := encode(c)
	if err != nil {
		return c, err
	}
	err = sys.FS.WriteOnce("claim", ClaimPath(dir), data)
	if errors.Is(err, durable.ErrExists) {
		theirs, rerr := readRecord(sys, "claim", ClaimPath(dir), DecodeClaim)
		switch {
		case rerr != nil:
			return c, rerr
		case theirs.Nonce != c.Nonce: // ours would mean that only the reply was lost
			return c, fmt.Errorf("claim attempt %d of %s: %w: %s, process %d", c.Attempt, c.Run, ErrTaken, theirs.By.Host, theirs.By.PID)
		}
	} else if err != nil {
		return c, fmt.Errorf("claim attempt %d of %s: %w", c.Attempt, c.Run, err)
	}
	// Where floor skipped numbers (the work dir was deleted), another launcher without our journal may have claimed a
	// lower one that we did not see, even long ago: an attempt that was given up since may have hidden it. Both write
	// first and look afterwards, so that one of the two sees the other; a supervisor looks for higher ones in the same
	// way.
	ns, err := attempts(sys, c.WorkDir)
	if err != nil {
		return c, err
	}
	below, err := liveBelow(sys, c.WorkDir, slices.DeleteFunc(ns, func(n int) bool { return n >= c.Attempt }))
	if err != nil {
		return c, err
	}
	if below.Claim != nil {
		// Nobody will start ours: it is given up at once, so that it holds up nobody.
		start, err := void(sys, dir, c)
		if err == nil && start.Void {
			_, err = writeEnd(sys, dir, View{Attempt: c.Attempt, Claim: &c, Start: start}, Heir{}, false)
		}
		if err != nil {
			return c, err
		}
		return c, fmt.Errorf("claim attempt %d of %s: %w: attempt %d", c.Attempt, c.Run, ErrLive, below.Attempt)
	}
	return c, nil
}

// settled makes durable what a claim rests on: the end of the attempt before it, and the request that it takes into
// account.
func settled(sys System, seen runsheet.Facts, c runsheet.Claim) error {
	if seen.Attempt > 0 {
		if err := Settle(sys, AttemptDir(c.WorkDir, seen.Attempt)); err != nil {
			return err
		}
	}
	if c.Request > 0 {
		return settle(sys, RequestsDir(c.WorkDir))
	}
	return nil
}

// Settle makes the records of an attempt durable that can be seen in its directory. Whoever writes down elsewhere what
// follows from a record of somebody else's calls it before: its writer may have been killed between the moment at which
// all saw it and the moment at which it would have survived a power cut. A directory that is gone is no error.
func Settle(sys System, attemptDir string) error { return settle(sys, attemptDir) }

func settle(sys System, dir string) error {
	if err := sys.FS.Sync("settle", dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
