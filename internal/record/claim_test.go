package record_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"runsheet"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
)

// TestSkippedNumberHidesNothing: a launcher whose journal skips numbers claims attempt 2 while another one, which
// knows of none, has claimed and begun attempt 1. Attempt 2 is given up at once, and does not make room for 3.
func TestSkippedNumberHidesNothing(t *testing.T) {
	w := recordtest.New()
	a, b, s := w.Start("h", "b", "A").System(), w.Start("h", "b", "B").System(), w.Start("h", "b", "S").System()
	if _, err := record.Claim(b, runsheet.Facts{}, 0, runsheet.Claim{Run: "run", Nonce: "one", WorkDir: work}); err != nil {
		t.Fatal(err)
	}
	tenure, err := record.Take(s, record.AttemptDir(work, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := tenure.Begin(1000); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Claim(a, runsheet.Facts{}, 1, runsheet.Claim{Run: "run", Nonce: "two", WorkDir: work}); !errors.Is(err, record.ErrLive) {
		t.Fatalf("claim beside a living attempt: %v", err)
	}
	if v, err := record.LookAt(a, work, 2); err != nil || v.End == nil || v.End.Kind != runsheet.EndVoid {
		t.Fatalf("the claim that lost is not given up: %+v, %v", v, err)
	}
	v, err := record.Look(a, work)
	if err != nil || v.Attempt != 1 || v.Claim.Nonce != "one" || v.End != nil {
		t.Fatalf("the living attempt is hidden: %+v, %v", v, err)
	}
	hidden := runsheet.Facts{Attempt: 2, Claim: &runsheet.Claim{Nonce: "two"}, End: &runsheet.End{Kind: runsheet.EndVoid}}
	if _, err := record.Claim(a, hidden, 1, runsheet.Claim{Run: "run", Nonce: "three", WorkDir: work}); !errors.Is(err, record.ErrLive) {
		t.Fatalf("claim past a given-up attempt: %v", err)
	}
	code := 0
	if err := tenure.End(runsheet.End{Kind: runsheet.EndExit, ExitCode: &code}); err != nil {
		t.Fatal(err)
	}
	if v, err := record.Look(a, work); err != nil || v.Attempt != 3 {
		t.Fatalf("after the end: %+v, %v", v, err)
	}
}

func TestClaim(t *testing.T) {
	sys, dir := realSystem(t)
	request, err := record.Request(sys, dir, runsheet.RequestRetry, "ann")
	if err != nil {
		t.Fatal(err)
	}
	c, attempt := claim(t, sys, dir)
	if c.Attempt != 1 || c.Request != request.Number || c.By != sys.Procs.Self() || c.At.IsZero() || len(c.Nonce) != 32 {
		t.Errorf("%+v", c)
	}
	mine := runsheet.Claim{Run: "run", Nonce: record.NewNonce(), WorkDir: dir}
	if _, err := record.Claim(sys, runsheet.Facts{}, 0, mine); !errors.Is(err, record.ErrTaken) {
		t.Errorf("claimed twice: %v", err)
	}
	// The same claim again: the first one's reply was lost.
	if again, err := record.Claim(sys, runsheet.Facts{}, 0, c); err != nil || again.Attempt != 1 {
		t.Errorf("own claim: %+v, %v", again, err)
	}
	v, err := record.Look(sys, dir)
	if err != nil || v.Claim.Nonce != c.Nonce {
		t.Fatalf("%+v, %v", v, err)
	}
	if _, err := record.Claim(sys, factsOf(v), 0, mine); !errors.Is(err, record.ErrLive) {
		t.Errorf("claimed past a living one: %v", err)
	}
	if _, err := record.TakeOver(t.Context(), sys, attempt, record.Heir{}); err != nil {
		t.Fatal(err)
	}
	if v, err = record.Look(sys, dir); err != nil {
		t.Fatal(err)
	}
	if c, err = record.Claim(sys, factsOf(v), 7, mine); err != nil || c.Attempt != 8 {
		t.Errorf("numbering from the journal's: %d, %v", c.Attempt, err)
	}
}

// TestClaimHasOneWinner: of many that saw the same, one gets the attempt.
func TestClaimHasOneWinner(t *testing.T) {
	sys, dir := realSystem(t)
	var wg sync.WaitGroup
	var won atomic.Int32
	for range 16 {
		wg.Go(func() {
			c := runsheet.Claim{Run: "run", Nonce: record.NewNonce(), WorkDir: dir}
			switch _, err := record.Claim(sys, runsheet.Facts{}, 0, c); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, record.ErrTaken):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d winners", won.Load())
	}
}

// TestBothLookAfterwards: one launcher skips a number, the other does not know why. Whoever writes first, at most one
// attempt of the two may begin.
func TestBothLookAfterwards(t *testing.T) {
	low := runsheet.Claim{Run: "run", Nonce: "low"}
	high := runsheet.Claim{Run: "run", Nonce: "high"}
	for name, c := range map[string]struct {
		first, second runsheet.Claim
		floors        [2]int
		secondErr     error
	}{
		"low first":  {low, high, [2]int{0, 1}, record.ErrLive},
		"high first": {high, low, [2]int{1, 0}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			sys, dir := realSystem(t)
			c.first.WorkDir, c.second.WorkDir = dir, dir
			if _, err := record.Claim(sys, runsheet.Facts{}, c.floors[0], c.first); err != nil {
				t.Fatal(err)
			}
			_, err := record.Claim(sys, runsheet.Facts{}, c.floors[1], c.second)
			wantErr(t, "second claim", err, c.secondErr)
			_, err = record.Take(sys, record.AttemptDir(dir, 1))
			wantErr(t, "the lower one's supervisor", err, record.ErrSuperseded)
		})
	}
}
