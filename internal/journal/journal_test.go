package journal

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"runsheet/internal/durable"
	"runsheet/internal/prove/hostile/bound"
)

func ev(n int) Event {
	return Event{At: time.Unix(int64(n), 0).UTC(), Kind: Claimed, Run: "lr=0.1", Attempt: n, Nonce: "n"}
}

// TestCutAnywhere cuts a journal at every byte, as a crash does: what was acknowledged before the cut is read, and a
// writer that goes on loses nothing of it.
func TestCutAnywhere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal.jsonl")
	w, err := Open(durable.OS(), dir, path)
	if err != nil {
		t.Fatal(err)
	}
	var acked []int64 // the size after each append
	for n := 1; n <= 3; n++ {
		if err := w.Append(ev(n)); err != nil {
			t.Fatal(err)
		}
		info, _ := os.Stat(path)
		acked = append(acked, info.Size())
	}
	w.Close()
	full, _ := os.ReadFile(path)
	for cut := range len(full) + 1 {
		want := []Event{}
		for i, size := range acked {
			if int64(cut) >= size {
				want = append(want, ev(i+1))
			}
		}
		if err := os.WriteFile(path, full[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Read(durable.OS(), path)
		if err != nil || !cmp.Equal(append([]Event{}, got...), want) {
			t.Fatalf("cut at %d: %v, %v", cut, got, err)
		}
		w, err := Open(durable.OS(), dir, path)
		if err != nil {
			t.Fatal(err)
		}
		for n := 7; n <= 8; n++ {
			if err := w.Append(ev(n)); err != nil {
				t.Fatal(err)
			}
			want = append(want, ev(n))
		}
		w.Close()
		if got, err := Read(durable.OS(), path); err != nil || !cmp.Equal(got, want) {
			t.Fatalf("cut at %d and went on: %v, %v", cut, got, err)
		}
	}
}

// TestBeginningLost has a crash bring the end of the last append to the disk and not its beginning, also that of the
// seal of an earlier one: nothing acknowledged is lost, and a writer goes on.
func TestBeginningLost(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal.jsonl")
	var want []Event
	for n := 1; n <= 8; n++ {
		w, err := Open(durable.OS(), dir, path)
		if err != nil {
			t.Fatal(err)
		}
		before, _ := os.ReadFile(path)
		if err := w.Append(ev(n)); err != nil {
			t.Fatal(err)
		}
		w.Close()
		after, _ := os.ReadFile(path)
		switch n % 4 {
		case 0:
			want = append(want, ev(n))
			continue
		case 3: // all but a piece is lost, in the seal where there is one
			after = after[:len(before)+20]
		default:
			copy(after[len(before):], make([]byte, len(after)-len(before)-10))
		}
		if err := os.WriteFile(path, after, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(durable.OS(), path); err != nil || !cmp.Equal(got, want) {
			t.Fatalf("after %d: %v, %v, want %v", n, got, err, want)
		}
	}
	if got, err := Read(durable.OS(), path); err != nil || !cmp.Equal(got, want) || len(want) != 2 {
		t.Fatalf("%v, %v, want %v", got, err, want)
	}
}

func TestDamageInTheMiddleIsAnError(t *testing.T) {
	text := `{"at":"2026-01-02T03:04:05Z","event":"claim"}` + "\n"
	for _, bad := range []string{"garbage\n", "{}\n", "\x00\x00\n", `{"event":3}` + "\n"} {
		events, err := Parse([]byte(text + bad + text))
		if err == nil || durable.Hint(err) == "" {
			t.Errorf("%q: %v", bad, err)
		}
		if len(events) != 1 {
			t.Errorf("%q: %d events before the damage", bad, len(events))
		}
	}
	if events, err := Read(durable.OS(), filepath.Join(t.TempDir(), "none")); err != nil || events != nil {
		t.Errorf("a missing journal: %v, %v", events, err)
	}
	if _, err := Read(durable.OS(), t.TempDir()); !errors.Is(err, durable.ErrNotRegular) {
		t.Errorf("a directory: %v", err)
	}
}

func TestParseNeverPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		Parse(rapid.SliceOf(rapid.Byte()).Draw(t, "data"))
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"at":"2026-01-02T03:04:05Z","event":"claim"}` + "\n{"))
	f.Add([]byte("torn\n" + `{"at":"2026-01-02T03:04:05Z","event":"sealed"}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) { bound.Do(t, func() { Parse(data) }) })
}

func TestUnsealed(t *testing.T) {
	const event = `{"event":"claim"}` + "\n"
	for text, want := range map[string]string{
		"": "", event: "", event + `{"eve`: "", event + "garbage\n": "garbage", event + "garbage\n{": "garbage", "x\n" + event: "", "cut": "",
	} {
		if got := Unsealed([]byte(text)); string(got) != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if Kind("party").Known() || !Claimed.Known() {
		t.Error("which kinds are known")
	}
}
