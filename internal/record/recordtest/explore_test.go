package recordtest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"runsheet/internal/record/recordtest"
)

// toy is what one process of a drawn program does: it reads one place of the board, and perhaps writes another with
// what it read, or waits.
type toy struct {
	op       int // 0: read, 1: write what was seen last and its own name, 2: wait until a place is not empty
	from, to string
}

// toys draws the programs of some processes.
func toys(seed uint64) (programs [][]toy) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	places := []string{"x", "y", "z"}
	for range 2 + rnd.IntN(2) {
		var program []toy
		for range 1 + rnd.IntN(4) {
			program = append(program, toy{[]int{0, 0, 1, 1, 1, 2}[rnd.IntN(6)], places[rnd.IntN(3)], places[rnd.IntN(3)]})
		}
		programs = append(programs, program)
	}
	return programs
}

// final is how a world of toys ends: what stands on the board, and who waits for ever.
func final(get func(string) string, waits string) string {
	return fmt.Sprint(get("x"), "/", get("y"), "/", get("z"), "/", waits)
}

// whole enumerates every interleaving by brute force, with at most so many deaths, and returns how each can end.
func whole(programs [][]toy, deaths int) map[string]bool {
	type at struct {
		pc   int
		seen string
		dead bool
	}
	outcomes, been := map[string]bool{}, map[string]bool{}
	var walk func(board map[string]string, all []at, deaths int)
	walk = func(board map[string]string, all []at, deaths int) {
		key := fmt.Sprint(board, all, deaths)
		if been[key] {
			return
		}
		been[key] = true
		moved, waits := false, ""
		for i, a := range all {
			if a.dead || a.pc == len(programs[i]) {
				continue
			}
			next := func(b map[string]string, to at, deaths int) {
				then := append([]at{}, all...)
				then[i] = to
				walk(b, then, deaths)
			}
			if deaths > 0 {
				next(board, at{dead: true}, deaths-1)
			}
			t := programs[i][a.pc]
			b := board
			switch t.op {
			case 0:
				a.seen = board[t.from]
			case 1:
				b = map[string]string{}
				for k, v := range board {
					b[k] = v
				}
				b[t.to] = a.seen + fmt.Sprint(i)
			case 2:
				if board[t.from] == "" {
					waits += fmt.Sprint(i)
					continue
				}
			}
			moved = true
			a.pc++
			next(b, a, deaths)
		}
		if !moved {
			outcomes[final(func(k string) string { return board[k] }, waits)] = true
		}
	}
	walk(map[string]string{}, make([]at, len(programs)), deaths)
	return outcomes
}

// play sets up the same programs in a world.
func play(s *recordtest.Sim, programs [][]toy) {
	var procs []*recordtest.Proc
	for i, program := range programs {
		p := s.Start("h", "b", fmt.Sprint(i))
		procs = append(procs, p)
		s.Go(p, true, func() {
			seen := ""
			for _, t := range program {
				switch t.op {
				case 0:
					seen = p.Step(recordtest.Step{Op: "read"}, func() string { return s.Get(t.from) })
				case 1:
					text := seen + fmt.Sprint(i)
					p.Step(recordtest.Step{Op: "write"}, func() string { s.Set(t.to, text); return "" })
				case 2:
					s.Await(p, func() bool { return s.Get(t.from) != "" }, false)
				}
			}
		})
	}
	_ = procs
}

// waiting tells who lives where nobody can act.
func waiting(s *recordtest.Sim) (waits string) {
	for _, p := range s.Procs() {
		waits += p.Name
	}
	return waits
}

// TestExplorerAgainstBruteForce compares how drawn programs can end: the explorer finds exactly what an enumeration of
// every interleaving finds, and it needs fewer worlds for it.
func TestExplorerAgainstBruteForce(t *testing.T) {
	for seed := range uint64(300) {
		programs := toys(seed)
		for deaths := range 3 {
			want := whole(programs, deaths)
			got := map[string]bool{}
			st, err := recordtest.Explorer{Faults: deaths}.Explore(context.Background(), func(s *recordtest.Sim) {
				play(s, programs)
				s.Final = func() error { got[final(s.Get, waiting(s))] = true; return nil }
			})
			if err != nil || !st.Whole {
				t.Fatalf("seed %d: %v, %v", seed, st, err)
			}
			if len(got) < len(want) {
				for k := range want {
					if !got[k] {
						t.Errorf("seed %d, %d deaths, %v: missed %q", seed, deaths, programs, k)
					}
				}
			}
			for k := range got {
				if !want[k] {
					t.Fatalf("seed %d, %d deaths, %v: %q cannot be", seed, deaths, programs, k)
				}
			}
		}
	}
}

// TestCheckSeesEveryBoard: of every board that brute force finds on the way, the explorer shows Check each one, although
// it does not go through every order.
func TestCheckSeesEveryBoard(t *testing.T) {
	for seed := range uint64(200) {
		programs := toys(seed)
		// A violation is planted at each board that can be, one after another.
		boards := map[string]bool{}
		_, err := recordtest.Explorer{}.Explore(context.Background(), func(s *recordtest.Sim) {
			play(s, programs)
			s.Check = func() error { boards[final(s.Get, "")] = true; return nil }
		})
		if err != nil {
			t.Fatal(err)
		}
		for k := range whole(programs, 3) { // whoever dies anywhere leaves the board as it was then
			if k = k[:strings.LastIndex(k, "/")+1]; !boards[k] {
				t.Errorf("seed %d, %v: Check did not see %q", seed, programs, k)
			}
		}
	}
}

// TestDeepBug: a bug that needs four changes from one process to the other is found.
func TestDeepBug(t *testing.T) {
	_, err := recordtest.Explorer{}.Explore(context.Background(), func(s *recordtest.Sim) {
		for i, name := range []string{"a", "b"} {
			p := s.Start("h", "b", name)
			s.Go(p, false, func() {
				for range 3 { // each raises the number if it has the right parity
					p.Step(recordtest.Step{Op: "raise"}, func() string {
						if n := len(s.Get("n")); n%2 == i {
							s.Set("n", s.Get("n")+"i")
						}
						return ""
					})
				}
			})
		}
		s.Check = func() error {
			if s.Get("n") == "iiiiii" {
				return errors.New("six changes")
			}
			return nil
		}
	})
	var v *recordtest.Violation
	if !errors.As(err, &v) || strings.Count(v.Trace, "raise") != 6 {
		t.Errorf("%v", err)
	}
}
