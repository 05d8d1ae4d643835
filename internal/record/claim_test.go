package record_test

import (
	"errors"
	"testing"

	"runsheet"
	"runsheet/internal/record"
	"runsheet/internal/record/recordtest"
)

// TestSkippedNumberHidesNothing: a launcher whose journal skips numbers claims attempt 2 while another one, which
// knows of none, has claimed and begun attempt 1. That 2 is given up must not make room for 3.
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
	if v, err := record.Look(a, work); err != nil || v.Attempt != 2 || v.End != nil {
		t.Fatalf("before it is given up: %+v, %v", v, err)
	}
	if e, err := record.TakeOver(t.Context(), a, record.AttemptDir(work, 2), record.Heir{}); err != nil || e.Kind != runsheet.EndVoid {
		t.Fatalf("give up: %+v, %v", e, err)
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
