package readers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"runsheet/internal/prove/method"
)

// The workers are this test binary, started again.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == method.WorkerVerb {
		os.Exit(work(os.Args[3:]))
	}
	os.Exit(m.Run())
}

func config(t *testing.T) method.Config {
	return method.Config{Size: method.Quick, Seed: 7, Dir: t.TempDir(), Say: t.Logf}
}

func TestNoViolation(t *testing.T) {
	c := config(t)
	c.Count = 20_000
	r, err := Method().Run(t.Context(), c)
	if err != nil || len(r.Violations) > 0 {
		t.Fatalf("%v: %q", err, r.Violations)
	}
	if len(r.Figures) == 0 || !strings.Contains(fmt.Sprint(r.Figures), "naive store caught after") {
		t.Errorf("%v", r.Figures)
	}
}

// Each fault that is planted into the answers is found.
func TestFindsPlantedFaults(t *testing.T) {
	for _, tt := range []struct{ kind, fault, want string }{
		{kindEpochs, faultStale, "versions earlier"},
		{kindForeign, faultMixed, "the evidence never said that"},
		{kindEpochs, faultEmpty, "0 completed, mark 0"},
		{kindForeign, faultEmpty, "0 completed, mark 0"},
	} {
		t.Run(tt.kind+" "+tt.fault, func(t *testing.T) {
			var r method.Result
			a := act{name: "planted", kind: tt.kind, quota: 1_000_000, changes: 1, orders: orders{Fault: tt.fault}}
			if err := a.run(t.Context(), config(t), 0, &tally{}, &r); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(strings.Join(r.Violations, "\n"), tt.want) {
				t.Errorf("%q", r.Violations)
			}
		})
	}
}

// The acts cover what they are said to cover, and their shares are the whole.
func TestActs(t *testing.T) {
	share, ticks, killed := int64(0), map[time.Duration]bool{}, 0
	for _, a := range acts() {
		share += a.share
		ticks[a.tick] = true
		if a.kill {
			killed++
		}
	}
	if share != 100 || len(ticks) != 3 || killed != 2 {
		t.Errorf("%d %%, clocks %v, %d with killing", share, ticks, killed)
	}
}

// A stamp is never later than what it stands for, and as coarse as it is said to be.
func TestCut(t *testing.T) {
	at := time.Unix(1_700_000_000, 987_654_321)
	for tick, want := range map[time.Duration]int64{time.Second: 0, 10 * time.Millisecond: 983_141_593} {
		if got := cut(at, tick); got.Unix() != at.Unix() || int64(got.Nanosecond()) != want || cut(got, tick) != got {
			t.Errorf("%v: %v", tick, got)
		}
	}
}

// Every change of the evidence is what the ledger says.
func TestLedger(t *testing.T) {
	for _, kind := range []string{kindEpochs, kindForeign} {
		a := act{name: "ledger", kind: kind}
		s, err := a.start(context.Background(), config(t), rand.New(rand.NewPCG(1, 2)))
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			if err := s.evidence.step(); err != nil {
				t.Fatal(err)
			}
			s.own.check(s.rng)
		}
		if s.bad() || s.done.Load() != 60 || s.begun.Load() != 60 {
			t.Errorf("%s: %d torn, %d wrong:\n%s", kind, s.torn.Load(), s.wrong.Load(), s.ownWords.String())
		}
		if b := s.board; b.held(state{1, 1}, 0, 60) || b.age(state{1, 1}, 60) != -1 || !b.held(unpack(b.ledger[60].Load()), 58, 60) {
			t.Error("the ledger does not tell its states apart")
		}
		if _, err := s.end(); err != nil {
			t.Error(err)
		}
		s.close()
	}
}
