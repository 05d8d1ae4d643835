package nfs

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
	"runsheet/internal/prove/method"
	"runsheet/internal/record"
)

// TestMain turns the test binary into a client, which works on a local disk here: the virtual machine is for
// scripts/prove.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == method.WorkerVerb && os.Args[2] == name {
		os.Exit(work(os.Args[3:]))
	}
	os.Exit(m.Run())
}

// TestClerk has two clients compete for a run on a local disk.
func TestClerk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	one, two := &clerk{sys: record.NewSystem(durable.OS())}, &clerk{sys: record.NewSystem(durable.OS())}
	do := func(c *clerk, what string) reply {
		t.Helper()
		r, err := c.patiently(request{Do: what, WorkDir: dir, Attempt: 1})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return r
	}
	do(one, "look")
	do(two, "look")
	won, lost := do(one, "claim"), do(two, "claim")
	if !won.Won || lost.Won || won.Attempt != 1 || lost.Attempt != 1 {
		t.Errorf("won %+v, lost %+v", won, lost)
	}
	do(one, "run")
	seen, inherited := do(two, "look"), do(two, "take over")
	if seen.Nonce != won.Nonce || !seen.Begun || seen.Ended == "" || inherited.Ended != seen.Ended {
		t.Errorf("seen %+v, inherited %+v", seen, inherited)
	}
	if _, err := one.do(request{Do: "dance"}); err == nil {
		t.Error("it dances")
	}
}

// TestTrialFindsLosses finds what is missing on the server's disk, and what was claimed by another.
func TestTrialFindsLosses(t *testing.T) {
	for _, c := range []struct{ name, nonce, ended, want string }{
		{"another claim", "n", "", "the acknowledged claim"},
		{"another end", "", "exit of process 1 at 1", "the acknowledged end"},
		{"all is well", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			sys := record.NewSystem(durable.OS())
			dir := t.TempDir()
			got, err := record.Claim(sys, runsheet.Facts{}, 0, runsheet.Claim{Nonce: record.NewNonce(), WorkDir: dir})
			if err != nil {
				t.Fatal(err)
			}
			f := fact{mounted + dir, 1, got.Nonce, c.ended}
			if c.nonce != "" {
				f.nonce = c.nonce
			}
			tr := &trial{facts: []fact{f}, at: func(p string) string { return strings.TrimPrefix(p, mounted) }}
			tr.lookUp()
			if all := strings.Join(tr.outcome.Wrong, "\n"); (all == "") != (c.want == "") || !strings.Contains(all, c.want) {
				t.Errorf("got %q, want %q", all, c.want)
			}
		})
	}
}

// TestRound plays rounds with clients that a fault was planted in.
func TestRound(t *testing.T) {
	for _, c := range []struct {
		name  string
		reply func(client int, q request, r reply) reply
		want  string
	}{
		{"honest", func(_ int, _ request, r reply) reply { return r }, ""},
		{"two winners", func(_ int, q request, r reply) reply { r.Won = r.Won || q.Do == "claim"; return r }, "both clients claimed"},
		{"no winner", func(_ int, q request, r reply) reply { r.Won = r.Won && q.Do != "claim"; return r }, "neither client claimed"},
		{"stale looks", func(client int, q request, r reply) reply {
			if client == 1 && q.Do == "look" {
				return reply{}
			}
			return r
		}, "looks at"},
		{"two ends", func(client int, q request, r reply) reply {
			if q.Do == "take over" {
				r.Ended, r.Won = fmt.Sprint(client), true
			}
			return r
		}, "two ends"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			tr := &trial{rng: newRand(1, 0), runs: map[string]*state{}}
			for i := range tr.clients {
				tr.clients[i] = puppet(t, i, func(q request, r reply) reply { return c.reply(i, q, r) })
			}
			for range 8 {
				if len(tr.outcome.Wrong) > 0 {
					break
				}
				if err := tr.round(filepath.Join(dir, "run")); err != nil {
					t.Fatal(err)
				}
			}
			if all := strings.Join(tr.outcome.Wrong, "\n"); (all == "") != (c.want == "") || !strings.Contains(all, c.want) {
				t.Errorf("got %q, want %q", all, c.want)
			}
		})
	}
}

// other is this process under another number.
type other struct {
	proc.Procs
	number int
}

func (o other) Self() runsheet.Process {
	p := o.Procs.Self()
	p.PID += o.number
	return p
}

// puppet is a client in this process whose replies pass through a hand.
func puppet(t *testing.T, number int, hand func(request, reply) reply) *machine {
	in, toClient := io.Pipe()
	fromClient, out := io.Pipe()
	go func() {
		c := &clerk{sys: record.NewSystem(durable.OS())}
		c.sys.Procs = other{c.sys.Procs, number}
		lines, answers := json.NewDecoder(in), json.NewEncoder(out)
		for {
			var q request
			if lines.Decode(&q) != nil {
				return
			}
			r, err := c.patiently(q)
			if err != nil {
				r.Err = err.Error()
			}
			if answers.Encode(hand(q, r)) != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { toClient.Close(); fromClient.Close() })
	return &machine{enc: json.NewEncoder(toClient), dec: json.NewDecoder(fromClient)}
}

// TestConverse speaks with the two small servers.
func TestConverse(t *testing.T) {
	call := func(program, procedure uint32) []byte {
		b := binary.BigEndian.AppendUint32(nil, 1<<31|40)
		for _, w := range []uint32{7, 0, 2, program, 3, procedure, 0, 0, 0, 0} {
			b = binary.BigEndian.AppendUint32(b, w)
		}
		return b
	}
	for _, c := range []struct {
		program, procedure uint32
		want               []uint32 // after the mark
	}{
		{100000, mapperSet, []uint32{7, 1, 0, 0, 0, 0, 1}},
		{100000, 0, []uint32{7, 1, 0, 0, 0, 0}},
		{mountProgram, 0, []uint32{7, 1, 0, 0, 0, 0}},
		{mountProgram, mountMNT, []uint32{7, 1, 0, 0, 0, 0, 0, 5, 0x01020304, 0x05000000, 1, 1}},
	} {
		var out bytes.Buffer
		converse(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(call(c.program, c.procedure)), &out}, func() []byte { return []byte{1, 2, 3, 4, 5} })
		var got []uint32
		for b := out.Bytes(); len(b) >= 4; b = b[4:] {
			got = append(got, binary.BigEndian.Uint32(b))
		}
		if want := append([]uint32{1<<31 | uint32(4*len(c.want))}, c.want...); !slices.Equal(got, want) {
			t.Errorf("%d.%d: got %x, want %x", c.program, c.procedure, got, want)
		}
	}
}

// TestArchive reads an archive back as the kernel does.
func TestArchive(t *testing.T) {
	var out bytes.Buffer
	a := &archive{w: &out}
	a.add("dir", 0o40755, nil)
	a.add("file", 0o100644, []byte("hello"))
	a.device("null", 1, 3)
	if a.err != nil {
		t.Fatal(a.err)
	}
	var got []string
	for b := out.Bytes(); len(b) > 0; {
		var f [13]int
		for i := range f {
			fmt.Sscanf(string(b[6+8*i:14+8*i]), "%x", &f[i])
		}
		name := string(b[110 : 110+f[11]-1])
		at := (110 + f[11] + 3) &^ 3
		got = append(got, fmt.Sprintf("%s %o %q %d:%d", name, f[1], b[at:at+f[6]], f[9], f[10]))
		b = b[(at+f[6]+3)&^3:]
	}
	want := []string{`dir 40755 "" 0:0`, `file 100644 "hello" 0:0`, `null 20600 "" 1:3`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
