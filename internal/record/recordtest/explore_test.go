package recordtest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"runsheet/internal/record/recordtest"
)

// toy is what one process of a drawn program does: it reads one place of the board, and perhaps writes another with
// what it read, or waits.
type toy struct {
	op       int // see below
	from, to string
}

const (
	load  = iota // see what is there
	store        // write what was seen last and its own name
	await        // wait until something is there
	once         // write, if nothing is there yet, and see whether it was so; it can be refused, and the reply be lost
	timed        // wait until something is there, or for some time
)

// toys draws the programs of some processes.
func toys(seed uint64) (programs [][]toy) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	places := []string{"x", "y", "z"}
	for range 2 + rnd.IntN(2) {
		var program []toy
		for range 1 + rnd.IntN(4) {
			program = append(program, toy{[]int{load, load, store, store, await, once, timed}[rnd.IntN(7)], places[rnd.IntN(3)], places[rnd.IntN(3)]})
		}
		programs = append(programs, program)
	}
	return programs
}

// final is how a world of toys ends: what stands on the board, and who waits for ever.
func final(get func(string) string, waits string) string {
	return fmt.Sprint(get("x"), "/", get("y"), "/", get("z"), "/", waits)
}

// whole enumerates every interleaving by brute force, with at most so many faults, and returns how each can end, and the
// boards that there are on the way.
func whole(programs [][]toy, faults int) (outcomes, boards map[string]bool) {
	type at struct {
		pc   int
		seen string
		dead bool
	}
	outcomes, boards = map[string]bool{}, map[string]bool{}
	been := map[string]bool{}
	var walk func(board map[string]string, all []at, faults int)
	walk = func(board map[string]string, all []at, faults int) {
		key := fmt.Sprint(board, all, faults)
		if been[key] {
			return
		}
		been[key] = true
		get := func(k string) string { return board[k] }
		boards[final(get, "")] = true
		moved, waits := false, ""
		for i, a := range all {
			if a.dead || a.pc == len(programs[i]) {
				continue
			}
			next := func(b map[string]string, to at, faults int) {
				then := append([]at{}, all...)
				then[i] = to
				walk(b, then, faults)
			}
			if faults > 0 {
				next(board, at{dead: true}, faults-1)
			}
			t := programs[i][a.pc]
			b := board
			a.pc++
			put := func(text string) {
				b = maps.Clone(board)
				b[t.to] = text
			}
			switch {
			case t.op == load:
				a.seen = board[t.from]
			case t.op == store:
				put(a.seen + fmt.Sprint(i))
			case t.op == await && board[t.from] == "":
				waits += fmt.Sprint(i)
				continue
			case t.op == timed && board[t.from] == "":
				a.seen = "t"
			case t.op == once:
				lost := a
				lost.seen = ""
				if faults > 0 {
					next(board, lost, faults-1)
				}
				if a.seen = "no"; board[t.to] == "" {
					put(fmt.Sprint(i))
					a.seen = "yes"
				}
				if faults > 0 {
					next(b, lost, faults-1)
				}
			}
			moved = true
			next(b, a, faults)
		}
		if !moved {
			outcomes[final(get, waits)] = true
		}
	}
	walk(map[string]string{}, make([]at, len(programs)), faults)
	return outcomes, boards
}

// play sets up the same programs in a world.
func play(s *recordtest.Sim, programs [][]toy) {
	for i, program := range programs {
		p := s.Start("h", "b", fmt.Sprint(i))
		s.Go(p, true, func() {
			seen := ""
			for _, t := range program {
				switch t.op {
				case load:
					seen = p.Step(recordtest.Step{Op: "read"}, func() string { return s.Get(t.from) })
				case store:
					text := seen + fmt.Sprint(i)
					p.Step(recordtest.Step{Op: "write"}, func() string { s.Set(t.to, text); return "" })
				case await:
					s.Await(p, func() bool { return s.Get(t.from) != "" }, false)
				case timed:
					if s.Await(p, func() bool { return s.Get(t.from) != "" }, true) {
						seen = "t"
					}
				case once:
					seen = p.Step(recordtest.Step{Op: "write-once"}, func() string {
						if s.Get(t.to) != "" {
							return "no"
						}
						s.Set(t.to, fmt.Sprint(i))
						return "yes"
					})
				}
			}
		})
	}
}

// waiting tells who lives where nobody can act.
func waiting(s *recordtest.Sim) (waits string) {
	for _, p := range s.Procs() {
		waits += p.Name
	}
	return waits
}

// TestExplorerAgainstBruteForce compares how drawn programs can end: the explorer finds exactly what an enumeration of
// every interleaving finds.
func TestExplorerAgainstBruteForce(t *testing.T) {
	for seed := range uint64(300) {
		programs := toys(seed)
		for faults := range 3 {
			want, _ := whole(programs, faults)
			got := map[string]bool{}
			st, err := recordtest.Explorer{Faults: faults}.Explore(context.Background(), func(s *recordtest.Sim) {
				play(s, programs)
				s.Final = func() error { got[final(s.Get, waiting(s))] = true; return nil }
			})
			if err != nil || !st.Whole {
				t.Fatalf("seed %d: %v, %v", seed, st, err)
			}
			for k := range want {
				if !got[k] {
					t.Errorf("seed %d, %d faults, %v: missed %q", seed, faults, programs, k)
				}
			}
			for k := range got {
				if !want[k] {
					t.Fatalf("seed %d, %d faults, %v: %q cannot be", seed, faults, programs, k)
				}
			}
		}
	}
}

// TestCheckSeesEveryBoard: Check is shown exactly the boards that brute force finds on the way.
func TestCheckSeesEveryBoard(t *testing.T) {
	for seed := range uint64(300) {
		programs := toys(seed)
		_, want := whole(programs, 1)
		got := map[string]bool{}
		_, err := recordtest.Explorer{Faults: 1}.Explore(context.Background(), func(s *recordtest.Sim) {
			play(s, programs)
			s.Check = func() error { got[final(s.Get, "")] = true; return nil }
		})
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("seed %d, %v: %v, saw %v, want %v", seed, programs, err, got, want)
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
