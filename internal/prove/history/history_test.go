package history

import (
	"os"
	"strings"
	"testing"

	"runsheet/internal/prove/method"
)

// TestMain lets the test binary be the processes of a history.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == method.WorkerVerb {
		os.Exit(worker(os.Args[3:]))
	}
	os.Exit(m.Run())
}

// TestPasses holds that an order is found for what the real code does.
func TestPasses(t *testing.T) {
	r, err := run(t.Context(), method.Config{Seed: 11, Dir: t.TempDir(), Count: 3, Say: t.Logf})
	if err != nil || len(r.Violations) > 0 {
		t.Fatalf("%v: %q", err, r.Violations)
	}
	t.Log(r.Figures)
}

// TestFindsWhatHasNoOrder holds that each kind of history that must not be is ruled out, and its neighbours are not.
func TestFindsWhatHasNoOrder(t *testing.T) {
	at := func(client int, call, until int64, kind, in, out string) op {
		return op{Client: client, Kind: kind, Attempt: 1, In: in, Out: out, Call: call, Return: until}
	}
	cut := func(client int, call int64, kind, in string) op {
		return op{Client: client, Kind: kind, Attempt: 1, In: in, Call: call, Return: never, Pending: true}
	}
	look := func(client int, call, until int64, s seen) op {
		return op{Client: client, Kind: opLook, Call: call, Return: until, Seen: &s}
	}
	claimed := at(0, 1, 2, opClaim, "a", "ok")
	taken := at(0, 3, 4, opTake, "", "ok")
	begun := at(0, 5, 6, opBegin, "p0", "ok")
	over := at(0, 7, 8, opEnd, "p0", "ok")
	later := func(o op, life int) op { o.Life = life; return o }
	next := at(1, 9, 10, opClaim, "b", "ok")
	next.Attempt = 2
	early := next
	early.Call, early.Return = 3, 4
	for _, c := range []struct {
		name string
		ops  []op
		want string
	}{
		{"one after the other", []op{claimed, taken, begun, over, next}, ""},
		{"two claims", []op{claimed, at(1, 1, 3, opClaim, "b", "ok")}, "the number 1"},
		{"one of two", []op{claimed, at(1, 1, 3, opClaim, "b", "taken")}, ""},
		{"taken by nobody", []op{at(1, 1, 3, opClaim, "b", "taken")}, "the number 1"},
		{"taken by one that was killed", []op{cut(0, 1, opClaim, "a"), at(1, 2, 3, opClaim, "b", "taken")}, ""},
		{"a number again in another life", []op{claimed, later(at(1, 20, 30, opClaim, "b", "ok"), 1)}, "the number 1"},
		{"a claim that was not seen", []op{claimed, look(1, 3, 4, seen{})}, "attempt 1 of"},
		{"a claim not seen yet", []op{claimed, look(1, 1, 4, seen{})}, ""},
		{"another claim seen", []op{claimed, look(1, 3, 4, seen{Attempt: 1, Claim: "b"})}, "attempt 1 of"},
		{"a claim seen and not seen", []op{cut(0, 1, opClaim, "a"), look(1, 3, 4, seen{Attempt: 1, Claim: "a"}), look(1, 5, 6, seen{})}, "attempt 1 of"},
		{"two supervisors", []op{claimed, taken, at(1, 3, 5, opTake, "", "ok")}, "attempt 1 of"},
		{"one held off", []op{claimed, taken, at(1, 3, 5, opTake, "", "held")}, ""},
		{"a supervisor after one that died", []op{claimed, taken, at(0, 5, 5, opDied, "", ""), at(1, 6, 7, opTake, "", "ok")}, ""},
		{"a supervisor after the end", []op{claimed, taken, begun, over, at(1, 9, 10, opTake, "", "ok")}, "attempt 1 of"},
		{"an heir of the living", []op{claimed, taken, begun, at(1, 6, 7, opHeir, "heir p1", "heir p1"), at(0, 8, 9, opLeave, "", "")}, "attempt 1 of"},
		{"an heir of the dead", []op{claimed, taken, begun, at(0, 6, 7, opDied, "", ""), at(1, 6, 8, opHeir, "heir p1", "heir p1")}, ""},
		{"two ends", []op{claimed, taken, begun, over, at(1, 9, 10, opHeir, "heir p1", "heir p1")}, "attempt 1 of"},
		{"a beginning after it was given up", []op{claimed, taken, at(1, 4, 5, opVoid, "void p1", ""), at(0, 6, 7, opBegin, "p0", "ok")}, "attempt 1 of"},
		{"an end that is forgotten", []op{claimed, taken, begun, over, look(1, 9, 10, seen{Attempt: 1, Claim: "a", Start: "p0"})}, "attempt 1 of"},
		{"claimed before the end", []op{claimed, taken, begun, over, early}, "before anybody could have ended"},
		{"two launchers", []op{{Kind: opHold, Out: "ok", Call: 1, Return: 2}, {Client: 1, Kind: opHold, Out: "ok", Call: 3, Return: 4}}, "the launcher's lock"},
		{"a lock that is stuck", []op{{Client: 1, Kind: opHold, Out: "held", Call: 3, Return: 4}}, "the launcher's lock"},
		{"a lock of the dead", []op{{Kind: opHold, Out: "ok", Call: 1, Return: 2}, {Kind: opDied, Call: 3, Return: 3},
			{Client: 1, Kind: opHold, Out: "held", Call: 4, Return: 5}}, "the launcher's lock"},
		{"requests", []op{{Kind: opRequest, Out: "1", Call: 1, Return: 3}, {Client: 1, Kind: opRequest, Out: "2", Call: 1, Return: 2}}, ""},
		{"one number for two requests", []op{{Kind: opRequest, Out: "1", Call: 1, Return: 3}, {Client: 1, Kind: opRequest, Out: "1", Call: 1, Return: 2}}, "the requests"},
		{"a request that is forgotten", []op{{Kind: opRequest, Out: "1", Call: 1, Return: 3}, look(1, 4, 5, seen{})}, "the requests"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r method.Result
			if err := (&world{ops: c.ops}).check(&r); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(r.Violations, "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

// TestCutLog holds that a line which a kill has cut is taken for one that was not written: the kernel ends a write of a
// killed process between two pages.
func TestCutLog(t *testing.T) {
	before := `{"id":1,"kind":"claim","dir":0,"life":0,"call":5}` + "\n"
	after := `{"id":1,"kind":"claim","dir":0,"life":0,"out":"ok","call":5,"return":7}` + "\n"
	for _, c := range []struct {
		name, text string
		ops        int
		pending    bool
	}{
		{"whole", before + after, 1, false},
		{"cut after the operation", before + after[:30], 1, true},
		{"whole but for its end", before + strings.TrimSuffix(after, "\n"), 1, true},
		{"cut before the operation", before[:20], 0, false},
	} {
		path := t.TempDir() + "/log"
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		ops, err := readLog(path, 0, 9)
		if err != nil || len(ops) != c.ops || c.ops > 0 && ops[0].Pending != c.pending {
			t.Errorf("%s: %v, %v", c.name, ops, err)
		}
	}
	path := t.TempDir() + "/log"
	if err := os.WriteFile(path, []byte("{\n"+after), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readLog(path, 0, 9); err == nil {
		t.Error("a broken line in the middle is no error")
	}
}
