package images

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"runsheet/internal/durable"
	"runsheet/internal/prove/method"
)

const faultEnv = "RUNSHEET_IMAGES_FAULT"

// TestMain turns the test binary into the worker that a test asks for, on a disk with the fault that it asks for.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == method.WorkerVerb && os.Args[2] == name {
		if fault := os.Getenv(faultEnv); fault != "" {
			disk = faulty{disk, fault}
		}
		os.Exit(work(os.Args[3:]))
	}
	os.Exit(m.Run())
}

// faulty is a disk that does not do what it is asked.
type faulty struct {
	durable.Disk
	fault string // "files" or "directories" are not synced
}

func (d faulty) Open(label, path string, flag int, perm fs.FileMode) (durable.File, error) {
	f, err := d.Disk.Open(label, path, flag, perm)
	if err != nil {
		return nil, err
	}
	return lazy{f, d.fault}, nil
}

type lazy struct {
	durable.File
	fault string
}

func (f lazy) Sync() error {
	info, err := f.Stat()
	if err != nil || info.IsDir() && f.fault == "directories" || !info.IsDir() && f.fault == "files" {
		return err
	}
	return f.File.Sync()
}

// take runs the method with a number of images of each file system.
func take(t *testing.T, count int64) method.Result {
	t.Helper()
	if why := impossible(); why != "" {
		t.Skip(why)
	}
	if packs := missing(); len(packs) > 0 {
		t.Skipf("%v must be installed", packs)
	}
	t.Setenv("GORACE", "atexit_sleep_ms=0") // each of the many processes would sleep a second when it ends
	r, err := Method().Run(t.Context(), method.Config{Seed: 1, Count: count, Dir: t.TempDir(), Say: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNothingIsLost(t *testing.T) {
	r := take(t, 4)
	if len(r.Violations) > 0 || r.LeftOut != "" {
		t.Errorf("%q %s", r.Violations, r.LeftOut)
	}
	for _, f := range r.Figures {
		if f.Value == "0" {
			t.Errorf("%s: 0", f.Name)
		}
	}
}

func TestFaultsAreFound(t *testing.T) {
	for _, fault := range []string{"files", "directories"} {
		t.Run(fault, func(t *testing.T) {
			t.Setenv(faultEnv, fault)
			if r := take(t, 20); len(r.Violations) == 0 {
				t.Errorf("not found: %v", r.Figures)
			} else {
				t.Log(r.Violations[0])
			}
		})
	}
}

// TestFacts holds facts against files, whole and not.
func TestFacts(t *testing.T) {
	line := `{"at":"2020-01-01T00:00:00Z","event":"trouble","text":"%"}` + "\n"
	events := strings.ReplaceAll(line, "%", "one") + strings.ReplaceAll(line, "%", "two")
	for _, c := range []struct {
		name string
		file string // "-": missing
		fact fact
		want string // in the complaint; "": none
	}{
		{"whole", `{"nonce": "n"}`, fact{Kind: "claim", Want: "n"}, ""},
		{"missing", "-", fact{Kind: "claim", Want: "n"}, "is missing"},
		{"empty", "", fact{Kind: "claim", Want: "n"}, "is torn"},
		{"torn", `{"nonce": "n"`, fact{Kind: "claim", Want: "n"}, "is torn"},
		{"spaces", "    ", fact{Kind: "end", Want: "n"}, "is torn"},
		{"zeros", "\x00\x00", fact{Kind: "end", Want: "n"}, "is torn"},
		{"of another", `{"nonce": "nn"}`, fact{Kind: "end", Want: "n"}, "is another one"},
		{"event", events, fact{Kind: eventFact, Want: "two", Number: 1}, ""},
		{"event at another place", events, fact{Kind: eventFact, Want: "two", Number: 0}, "not this one"},
		{"torn event", events[:len(events)-1], fact{Kind: eventFact, Want: "two", Number: 1}, "has 1 events"},
		{"document", `{"Number": 3, "Text": "x", "Sum": 2363233923}`, fact{Kind: documentFact, Number: 3}, ""},
		{"newer document", `{"Number": 4, "Text": "x", "Sum": 2363233923}`, fact{Kind: documentFact, Number: 3}, ""},
		{"older document", `{"Number": 2, "Text": "x", "Sum": 2363233923}`, fact{Kind: documentFact, Number: 3}, "an older one"},
		{"mixed document", `{"Number": 3, "Text": "y", "Sum": 2363233923}`, fact{Kind: documentFact, Number: 3}, "is torn"},
		{"progress", `{"schema": "s", "progress": {"completed": 3}}`, fact{Kind: progressFact, Number: 3}, ""},
		{"older progress", `{"schema": "s", "progress": {"completed": 2}}`, fact{Kind: progressFact, Number: 3}, "an older one"},
		{"no progress", `{}`, fact{Kind: progressFact}, "is torn"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.fact.Path = filepath.Join(t.TempDir(), "file")
			if c.file != "-" {
				if err := os.WriteFile(c.fact.Path, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got := c.fact.holds()
			if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestTorn finds documents that nobody was told of.
func TestTorn(t *testing.T) {
	root := t.TempDir()
	for path, text := range map[string]string{
		"a/claim.json": "{}\n", "a/end.json": "", "a/.tmp-x": "torn", "a/alive": "", "a/journal.jsonl": "torn\n{\"event\": \"trouble\"}\n",
		"w/epoch_0/validation_scores.json": "", "w/progress.json": "{",
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, whole, err := torn(root)
	if err != nil || whole != 1 || len(found) != 3 {
		t.Fatalf("found %q, %d whole, %v", found, whole, err)
	}
	for i, want := range []string{"a/end.json", "a/journal.jsonl", "w/progress.json"} {
		if !strings.HasPrefix(found[i], filepath.Join(root, want)+": ") {
			t.Errorf("got %q, want %s", found[i], want)
		}
	}
}

func TestTooSmall(t *testing.T) {
	if err := room(t.TempDir(), 1<<62); err == nil || !strings.Contains(err.Error(), "need 512 MiB") {
		t.Error(err)
	}
	if err := room(t.TempDir(), 1); err != nil {
		t.Error(err)
	}
}
