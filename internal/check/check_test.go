package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/durable/fusetest"
	"runsheet/internal/journal"
	"runsheet/internal/proc"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

func TestHealthy(t *testing.T) {
	p := healthy(t)
	if got := Sheet(t.Context(), durable.OS(), p.sheet); len(got) > 0 {
		t.Errorf("a healthy project: %v", got)
	}
	if got := Runs(t.Context(), durable.OS(), p.sheet.Runs); len(got) > 0 {
		t.Errorf("healthy runs: %v", got)
	}
	fresh := newProject(t)
	fresh.sheet.Runs[0].WorkDir = filepath.Join(t.TempDir(), "none")
	fresh.sheet.Dir, fresh.sheet.Path = t.TempDir(), "runsheet.yaml"
	if got := Sheet(t.Context(), durable.OS(), fresh.sheet); len(got) > 0 {
		t.Errorf("a project that was never run: %v", got)
	}
}

// fakeNonce is a nonce that no attempt has.
const fakeNonce = "00000000000000000000000000000000"

// TestEachBreak breaks exactly one thing in a healthy project, and expects exactly that finding.
func TestEachBreak(t *testing.T) {
	for _, c := range []struct {
		name     string
		severity Severity
		path     func(p *project) string
		what     string
		do       func(p *project, path string)
	}{
		// Directories and files.
		{"our directory is a link", Broken, dir(""), "symbolic link", func(p *project, path string) {
			p.must(os.Rename(path, path+".real"))
			p.must(os.Symlink(path+".real", path))
			p.must(os.Remove(record.JournalPath(p.state)))
		}},
		{"our directory is a file", Broken, dir(""), "not a directory", func(p *project, path string) {
			p.must(os.RemoveAll(path))
			p.must(os.WriteFile(path, nil, 0o600))
			p.must(os.Remove(record.JournalPath(p.state)))
		}},
		{"attempts that others may write to", Broken, dir("attempts"), "others may write to it (mode 0720)", chmod(0o720)},
		{"an attempt that others may write to", Broken, of(1, ""), "mode 0777", chmod(0o777)},
		{"requests that others may write to", Broken, dir("requests"), "others may write", chmod(0o702)},
		{"our directory is readable", Noted, dir(""), "others may read it (mode 0755)", chmod(0o755)},
		{"a claim that others may write to", Broken, of(2, "claim.json"), "others may write to it (mode 0620)", chmod(0o620)},
		{"a readable end", Noted, of(2, "end.json"), "others may read it (mode 0644)", chmod(0o644)},
		{"a writable cache", Broken, dir("progress.json"), "others may write", chmod(0o606)},
		{"somebody else's claim", Broken, of(2, "claim.json"), "belongs to user 12345", func(p *project, path string) {
			if os.Geteuid() != 0 {
				p.t.Skip("only root can give a file away")
			}
			p.must(os.Chown(path, 12345, -1))
		}},
		{"somebody else's directory", Broken, dir(""), "belongs to user 12345", func(p *project, path string) {
			if os.Geteuid() != 0 {
				p.t.Skip("only root can give a directory away")
			}
			p.must(os.Chown(path, 12345, -1))
		}},
		{"a FIFO for the cache", Broken, dir("progress.json"), "a FIFO", func(p *project, path string) {
			p.must(os.Remove(path))
			p.must(unix.Mkfifo(path, 0o600))
		}},
		{"a directory for the cache", Broken, dir("progress.json"), "a directory", func(p *project, path string) {
			p.must(os.Remove(path))
			mkdir(p, path)
		}},
		{"a huge end", Broken, of(2, "end.json"), "too large", func(p *project, path string) { p.must(os.Truncate(path, 8<<30)) }},
		{"a huge journal", Broken, state("journal.jsonl"), "too large", func(p *project, path string) { p.must(os.Truncate(path, 3<<30)) }},
		{"a FIFO for a claim", Broken, of(2, "claim.json"), "a FIFO", func(p *project, path string) {
			p.must(os.Remove(path))
			p.must(unix.Mkfifo(path, 0o600))
		}},
		{"a link for an end", Broken, of(1, "end.json"), "a symbolic link", func(p *project, path string) {
			p.must(os.Rename(path, filepath.Join(p.sheet.Dir, "end")))
			p.must(os.Symlink(filepath.Join(p.sheet.Dir, "end"), path))
		}},
		{"an attempt without its zeros", Broken, dir("attempts/7"), "six digits", mkdir},
		{"attempt 0", Broken, dir("attempts/000000"), "six digits", mkdir},
		{"a request without its zeros", Broken, dir("requests/2.json"), "six digits", touch},
		{"a strange directory", Noted, dir("attempts/old"), "not a file of runsheet's", mkdir},
		{"a strange file", Noted, of(1, "notes.txt"), "not a file of runsheet's", touch},
		{"an old temporary file", Noted, of(1, ".tmp-x"), "left behind", func(p *project, path string) {
			touch(p, path)
			p.age(path, time.Hour)
		}},

		// Records by themselves.
		{"an empty claim", Broken, of(2, "claim.json"), "damaged record: 0 bytes", func(p *project, path string) { p.must(os.Truncate(path, 0)) }},
		{"a torn end", Broken, of(2, "end.json"), "damaged record", func(p *project, path string) { p.must(os.Truncate(path, 20)) }},
		{"a torn request", Broken, dir("requests/000001.json"), "damaged record", func(p *project, path string) { p.must(os.Truncate(path, 20)) }},
		{"a claim of another version", Broken, of(1, "claim.json"), "schema", set("schema", "runsheet.claim/9")},
		{"a claim of another number", Broken, of(2, "claim.json"), "claims attempt 3, not 2", set("attempt", 3)},
		{"a short nonce", Broken, of(2, "claim.json"), "not 32 hex digits", func(p *project, path string) {
			p.must(os.Remove(record.JournalPath(p.state)))
			for _, name := range []string{"claim.json", "start.json", "end.json"} {
				p.set(p.attempt(2, name), "nonce", "abc")
			}
		}},
		{"a start of another attempt", Broken, of(2, "start.json"), "nonce is not the claim's", set("nonce", fakeNonce)},
		{"an end of another attempt", Broken, of(2, "end.json"), "nonce is not the claim's", set("nonce", fakeNonce)},
		{"one nonce twice", Broken, of(1, "claim.json"), "attempts 1 and 2 have the same nonce", func(p *project, _ string) {
			p.must(os.Remove(record.JournalPath(p.state)))
			for n := range 2 {
				for _, name := range []string{"claim.json", "start.json", "end.json"} {
					p.set(p.attempt(n+1, name), "nonce", fakeNonce)
				}
			}
		}},
		{"a claim by nobody", Broken, of(1, "claim.json"), "process number 0", func(p *project, path string) {
			p.edit(path, func(doc map[string]any) { doc["by"].(map[string]any)["pid"] = 0 })
		}},
		{"a start by nobody", Broken, of(1, "start.json"), "no boot id", set("boot_id", nil)},
		{"a void start with a group", Broken, of(1, "start.json"), "void, and yet names the process group 7", func(p *project, path string) {
			p.must(os.Remove(record.JournalPath(p.state)))
			p.set(path, "void", true)
			p.set(path, "process_group", 7)
			p.set(p.attempt(1, "end.json"), "kind", "void")
			p.set(p.attempt(1, "end.json"), "exit_code", nil)
		}},
		{"a claim for elsewhere", Noted, of(1, "claim.json"), "moved or copied", set("work_dir", "/nowhere")},
		{"a request of another number", Broken, dir("requests/000001.json"), "calls itself request 5", set("number", 5)},

		// What an end says.
		{"exited without a code", Broken, of(2, "end.json"), "no exit code", set("exit_code", nil)},
		{"exited by a signal", Broken, of(2, "end.json"), "yet a signal is named", set("signal", "SIGKILL")},
		{"an impossible code", Broken, of(2, "end.json"), "no command exits with 300", set("exit_code", 300)},
		{"an unknown kind", Broken, of(2, "end.json"), "no kind of end", func(p *project, path string) {
			p.must(os.Remove(record.JournalPath(p.state)))
			p.set(path, "kind", "vanished")
		}},
		{"lost with a code", Broken, of(2, "end.json"), "nobody saw the command end", func(p *project, path string) {
			p.must(os.Remove(record.JournalPath(p.state)))
			p.set(path, "kind", "lost")
		}},
		{"a signal without a name", Broken, of(2, "end.json"), "none is named", func(p *project, path string) {
			p.must(os.Remove(record.JournalPath(p.state)))
			p.set(path, "kind", "signal")
			p.set(path, "exit_code", nil)
		}},
		{"an error without a cause", Broken, of(2, "end.json"), "nothing says why", func(p *project, path string) {
			p.must(os.Remove(record.JournalPath(p.state)))
			p.set(path, "kind", "error")
			p.set(path, "exit_code", nil)
		}},
		{"void after a start", Broken, of(2, "end.json"), "the attempt began, and yet", func(p *project, path string) {
			p.must(os.Remove(record.JournalPath(p.state)))
			p.set(path, "kind", "void")
			p.set(path, "exit_code", nil)
		}},
		{"an exit after a void start", Broken, of(2, "end.json"), "called off before it began, and yet ended", func(p *project, _ string) {
			p.set(p.attempt(2, "start.json"), "void", true)
		}},
		{"an exit that somebody else saw", Broken, of(2, "end.json"), "its supervisor did not write it", func(p *project, path string) {
			p.edit(path, func(doc map[string]any) { doc["by"].(map[string]any)["start_time"] = 7 })
		}},
		{"an unknown kind beside a journal", Broken, of(2, "end.json"), "no kind of end", set("kind", "bogus")},
		{"stopped early and not", Broken, of(2, "end.json"), "yet did not stop early", set("progress", map[string]any{"completed": 3, "early_stopped_at": 2})},
		{"a key twice", Broken, of(2, "end.json"), `the key "kind" stands there twice`, func(p *project, path string) { p.swap(path, `"kind":`, `"Kind": "lost", "kind":`) }},
		{"negative memory", Broken, of(2, "end.json"), "negative measurement", set("peak_memory_bytes", -1)},
		{"an end before the start", Broken, of(2, "end.json"), "older than the start", set("at", "2001-01-01T00:00:00Z")},
		{"an end before the start by another clock", Noted, of(2, "end.json"), "two machines", func(p *project, path string) {
			p.must(os.Remove(record.JournalPath(p.state)))
			p.edit(path, func(doc map[string]any) {
				doc["at"], doc["kind"] = "2001-01-01T00:00:00Z", "lost"
				doc["by"].(map[string]any)["boot_id"] = "another"
				delete(doc, "exit_code")
			})
		}},

		// One record and another.
		{"no claim", Broken, of(2, "claim.json"), "missing, though the attempt has an end", func(p *project, path string) {
			p.must(os.Remove(path))
		}},
		{"no claim and no end", Broken, of(2, "claim.json"), "missing, though the attempt has a start", func(p *project, path string) {
			p.must(os.Remove(record.JournalPath(p.state)))
			p.must(os.Remove(path))
			p.must(os.Remove(p.attempt(2, "end.json")))
		}},
		{"no start", Broken, of(2, "start.json"), "missing, though the attempt has an end", remove},
		{"no lock file", Broken, of(2, "alive"), "the lock file is missing", remove},
		{"no end below another attempt", Broken, of(1, ""), "attempt 2 was claimed although this one has no end", func(p *project, _ string) {
			p.must(os.Remove(record.JournalPath(p.state)))
			p.must(os.Remove(p.attempt(1, "end.json")))
		}},
		{"two that live", Broken, of(1, ""), "has no end and still lives", func(p *project, _ string) {
			p.must(os.Remove(record.JournalPath(p.state)))
			p.must(os.Remove(p.attempt(1, "end.json")))
			p.hold(1, record.SupervisorByte)
		}},
		{"two that began, with a gap", Broken, of(1, ""), "attempt 3 was claimed although this one has no end", func(p *project, _ string) {
			p.gap()
		}},
		{"a gap, and the lower never began", Noted, of(1, ""), "at most one of them began", func(p *project, _ string) {
			p.gap()
			p.must(os.Remove(p.attempt(1, "start.json")))
		}},
		{"a supervisor after the end", Broken, of(2, "alive"), "has an end, and its supervisor still lives", func(p *project, _ string) {
			p.hold(2, record.SupervisorByte)
			p.age(p.attempt(2, "end.json"), time.Hour)
		}},
		{"a command after the end", Broken, of(1, "alive"), "a process of its command still lives", func(p *project, _ string) {
			p.hold(1, record.CommandByte)
			p.age(p.attempt(1, "end.json"), time.Hour)
		}},
		{"lost", Noted, of(3, ""), "lost: its supervisor was killed", func(p *project, _ string) {
			p.begin(p.claim()).Leave()
		}},
		{"never began", Noted, of(3, ""), "claimed and never began", func(p *project, _ string) {
			p.claim()
			p.set(p.attempt(3, "claim.json"), "at", "2001-01-01T00:00:00Z")
		}},
		{"given up without an end", Noted, of(3, ""), "called off before it began", func(p *project, _ string) {
			c := p.claim()
			data, err := os.ReadFile(p.attempt(2, "start.json"))
			p.must(err)
			p.must(os.WriteFile(p.attempt(3, "start.json"), data, 0o600))
			p.set(p.attempt(3, "start.json"), "nonce", c.Nonce)
			p.set(p.attempt(3, "start.json"), "void", true)
			p.set(p.attempt(3, "start.json"), "at", "2001-01-01T00:00:00Z")
			p.set(p.attempt(3, "claim.json"), "at", "2001-01-01T00:00:00Z")
		}},
		{"nobody can tell", Noted, of(3, ""), "nobody here can tell whether attempt 3 still lives", func(p *project, _ string) {
			p.begin(p.claim()).Leave()
			p.set(p.attempt(3, "start.json"), "pid_namespace", "pid:[1]")
		}},
		{"of another machine that mounts this disk", Noted, of(3, ""), "nothing proves that this is that machine, booted since", func(p *project, _ string) {
			p.begin(p.claim()).Leave()
			p.set(p.attempt(3, "start.json"), "boot_id", "another")
			p.set(p.attempt(3, "start.json"), "machine", map[string]any{"id": "an image", "random": "the second"})
		}},
		{"a request that was lost", Broken, dir("requests"), "attempt 2 took request 1 into account, which is gone", func(p *project, path string) {
			p.must(os.RemoveAll(path))
		}},
		{"a request between", Noted, dir("requests"), "earlier requests are missing", func(p *project, path string) {
			for range 2 {
				_, err := record.Request(p.sys, p.run.WorkDir, runsheet.RequestStop, "ada")
				p.must(err)
			}
			p.must(os.Remove(filepath.Join(path, "000002.json")))
		}},

		// Progress.
		{"a torn cache", Broken, dir("progress.json"), "the cached progress is damaged", func(p *project, path string) { p.must(os.Truncate(path, 30)) }},
		{"a cache that says more", Broken, dir("progress.json"), "the cached progress is 9 of 3 epochs with map[accuracy:0.3], and the evidence tells of 3 of 3 epochs", func(p *project, path string) {
			p.edit(path, func(doc map[string]any) { doc["progress"].(map[string]any)["completed"] = 9 })
		}},
		{"a cache with other metrics", Broken, dir("progress.json"), "3 of 3 epochs with map[accuracy:NaN], and", func(p *project, path string) {
			p.edit(path, func(doc map[string]any) {
				doc["progress"].(map[string]any)["metrics"].(map[string]any)["accuracy"] = "NaN"
			})
		}},
		{"an old epoch emptied behind the cache", Broken, dir("progress.json"), "the evidence tells of 0 of 3 epochs", func(p *project, _ string) {
			p.must(os.Truncate(filepath.Join(p.run.WorkDir, "epoch_0", "scores.json"), 0))
		}},
		{"published ahead of the evidence", Broken, work("progress.json"), "it tells of 9 of 20 epochs, and the evidence of 3 of 3 epochs", func(p *project, path string) {
			p.edit(path, func(doc map[string]any) { doc["completed_epochs"], doc["total_epochs"] = 9, 20 })
		}},
		{"published as stopped early", Broken, work("progress.json"), "stopped early", set("early_stopped", true)},
		{"a broken document of the training code", Broken, work("progress.json"), "progress.json is broken", func(p *project, path string) {
			p.must(os.WriteFile(path, []byte(`{"completed_epochs": 1`), 0o644))
			p.age(path, time.Hour)
		}},
		{"evidence that cannot be read", Broken, work(""), "progress.json cannot be read: not a regular file", func(p *project, path string) {
			p.must(os.Remove(filepath.Join(path, "progress.json")))
			p.must(unix.Mkfifo(filepath.Join(path, "progress.json"), 0o600))
		}},

		// The state directory.
		{"a readable state directory", Noted, state(""), "others may read it", chmod(0o755)},
		{"a writable state directory", Broken, state(""), "others may write to it", chmod(0o777)},
		{"a writable directory above it", Broken, state(".."), "others may write to it", chmod(0o777)},
		{"a writable journal", Broken, state("journal.jsonl"), "others may write to it", chmod(0o622)},
		{"a strange file of state", Noted, state("x"), "not a file of runsheet's", touch},
		{"an old temporary file of state", Noted, state(".tmp-x"), "left behind", func(p *project, path string) {
			touch(p, path)
			p.age(path, time.Hour)
		}},
		{"a launcher without a name", Broken, state("launcher.lock"), "does not name it", func(p *project, path string) {
			l, err := durable.OpenLock(durable.OS(), "test", path)
			p.must(err)
			p.t.Cleanup(func() { l.Close() })
			if got, err := l.Try(0); !got {
				p.t.Fatal("the launcher's lock is held", err)
			}
			p.must(os.Truncate(path, 0))
		}},
		{"an event that nobody knows", Noted, state("journal.jsonl"), `does not know: "party"`, func(p *project, path string) { p.note("party", runsheet.Claim{}, "") }},
		{"an end of nobody", Noted, state("journal.jsonl"), "the end of attempt 1 of x, and of no such claim", func(p *project, path string) {
			p.note(journal.Ended, runsheet.Claim{Run: "x", Attempt: 1, Nonce: fakeNonce}, runsheet.EndExit)
		}},
		{"garbage at the end of the journal", Noted, state("journal.jsonl"), `its last line is no event, but "garbage"`, func(p *project, path string) {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			p.must(err)
			f.WriteString("garbage\n")
			p.must(f.Close())
		}},
		{"a nonce that no record has", Broken, of(2, ""), "the journal tells of attempt 2 with another nonce", func(p *project, path string) {
			for _, name := range []string{"claim.json", "start.json", "end.json"} {
				p.set(p.attempt(2, name), "nonce", fakeNonce)
			}
		}},
		{"the last attempt is gone", Broken, dir("attempts"), "acknowledged and gone: 000002 of lr=0.1", func(p *project, path string) { p.must(os.RemoveAll(p.attempt(2, ""))) }},
		{"the first attempt is gone", Broken, dir("attempts"), "acknowledged and gone: 000001 of lr=0.1", func(p *project, path string) { p.must(os.RemoveAll(p.attempt(1, ""))) }},
		{"all attempts are gone", Broken, dir("attempts"), "acknowledged and gone: 000001, 000002 of lr=0.1", func(p *project, path string) {
			p.must(os.RemoveAll(path))
			p.must(os.RemoveAll(p.under("requests")))
		}},
		{"an attempt that was set aside", Noted, dir("attempts/000001.aside"), "set aside", func(p *project, path string) { p.must(os.Rename(p.attempt(1, ""), path)) }},
		{"the results were thrown away", Noted, state("journal.jsonl"), "(attempts: 2, work dirs: 1)", func(p *project, path string) { p.must(os.RemoveAll(p.run.WorkDir)) }},
		{"the records were thrown away", Noted, state("journal.jsonl"), "deleted, replaced or moved", func(p *project, path string) { p.must(os.RemoveAll(p.under(""))) }},
		{"the records were thrown away, and there are new ones", Noted, state("journal.jsonl"), "(attempts: 2, work dirs: 1)", func(p *project, path string) {
			p.must(os.RemoveAll(p.under("")))
			c, err := record.Claim(p.sys, runsheet.Facts{}, 2, runsheet.Claim{Run: p.run.Name, Nonce: record.NewNonce(), Session: "s", Executor: "local",
				Identity: p.run.Command, Command: p.run.Command, WorkDir: p.run.WorkDir, Dir: p.sheet.Dir, Progress: p.run.Progress})
			p.must(err)
			p.note(journal.Claimed, c, "")
			p.end(p.begin(c), 0)
		}},
		{"the end of an attempt with a successor", Broken, of(1, ""), "attempt 2 was claimed although this one has no end", func(p *project, _ string) {
			p.must(os.Remove(p.attempt(1, "end.json")))
		}},
		{"a damaged journal", Broken, state("journal.jsonl"), "damaged journal: line 1", func(p *project, path string) { p.swap(path, `"event"`, `"evnt"`) }},
		{"a claim of nothing", Broken, state("journal.jsonl"), "names no attempt", func(p *project, path string) { p.note(journal.Claimed, runsheet.Claim{Run: "x"}, "") }},
		{"an attempt claimed twice", Broken, state("journal.jsonl"), "attempt 1 of lr=0.1 was claimed twice", func(p *project, path string) {
			c := runsheet.Claim{Run: p.run.Name, WorkDir: p.run.WorkDir, Attempt: 1, Nonce: fakeNonce}
			p.note(journal.Claimed, c, "")
			p.note(journal.Ended, c, runsheet.EndLost)
		}},
		{"records that vanished", Broken, func(p *project) string { return record.AttemptDir("/nowhere", 1) }, "the records of attempt 1 of gone are gone", func(p *project, path string) {
			p.note(journal.Claimed, runsheet.Claim{Run: "gone", WorkDir: "/nowhere", Attempt: 1, Nonce: fakeNonce}, "")
		}},
		{"an acknowledged end that was lost", Broken, of(2, ""), "the journal tells of its end (exit)", func(p *project, _ string) {
			p.must(os.Remove(p.attempt(2, "end.json")))
			p.hold(2, record.SupervisorByte) // without it a note says that the attempt was lost
		}},
		{"another end than the journal's", Broken, of(2, "end.json"), `it says "stopped", and the journal says "exit"`, set("kind", "stopped")},
		{"an end that the journal missed", Noted, state("journal.jsonl"), "the end of attempt 1 of lr=0.1 is missing", func(p *project, path string) {
			p.swap(path, `"event":"end"`, `"event":"adopt"`)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := healthy(t)
			path := c.path(p)
			c.do(p, path)
			got := p.check()
			if len(got) != 1 || got[0].Severity != c.severity || got[0].Path != path || !strings.Contains(got[0].What, c.what) || got[0].Do == "" {
				t.Errorf("want one %s of %s with %q, got:", c.severity, path, c.what)
				for _, v := range got {
					t.Error(v)
				}
			}
			if Failed(got) != (c.severity == Broken) {
				t.Errorf("Failed is %v", Failed(got))
			}
		})
	}
}

func dir(name string) func(*project) string { return func(p *project) string { return p.under(name) } }
func of(n int, name string) func(*project) string {
	return func(p *project) string { return p.attempt(n, name) }
}
func work(name string) func(*project) string {
	return func(p *project) string { return filepath.Join(p.run.WorkDir, name) }
}
func state(name string) func(*project) string {
	return func(p *project) string { return filepath.Join(p.state, name) }
}
func chmod(m os.FileMode) func(*project, string) {
	return func(p *project, path string) { p.must(os.Chmod(path, m)) }
}
func set(key string, value any) func(*project, string) {
	return func(p *project, path string) { p.set(path, key, value) }
}
func mkdir(p *project, path string)  { p.must(os.Mkdir(path, 0o700)) }
func touch(p *project, path string)  { p.must(os.WriteFile(path, nil, 0o600)) }
func remove(p *project, path string) { p.must(os.Remove(path)) }

// hold holds a byte of an attempt's lock until the test is over.
func (p *project) hold(n int, b int64) {
	p.t.Helper()
	l, err := durable.OpenLock(durable.OS(), "test", p.attempt(n, "alive"))
	p.must(err)
	p.t.Cleanup(func() { l.Close() })
	if got, err := l.Try(b); !got {
		p.t.Fatalf("byte %d is held: %v", b, err)
	}
}

// gap turns attempt 2 into attempt 3, and takes the end of attempt 1.
func (p *project) gap() {
	p.t.Helper()
	p.must(os.Remove(record.JournalPath(p.state)))
	p.must(os.Rename(p.attempt(2, ""), p.attempt(3, "")))
	p.set(p.attempt(3, "claim.json"), "attempt", 3)
	p.must(os.Remove(p.attempt(1, "end.json")))
}

// TestYoungIsNotSuspect: what the next moment makes good is no finding.
func TestYoungIsNotSuspect(t *testing.T) {
	for name, do := range map[string]func(p *project){
		"claimed a moment ago":          func(p *project) { p.claim() },
		"running":                       func(p *project) { tenure := p.begin(p.claim()); p.t.Cleanup(tenure.Leave) },
		"ended, the lock not yet freed": func(p *project) { p.hold(2, record.SupervisorByte) },
		"a temporary file in use":       func(p *project) { touch(p, p.attempt(2, ".tmp-x")) },
		"an old temporary file of one that lives": func(p *project) {
			tenure := p.begin(p.claim())
			p.t.Cleanup(tenure.Leave)
			touch(p, p.attempt(3, ".tmp-x"))
			p.age(p.attempt(3, ".tmp-x"), time.Hour)
		},
		"attempt directory without a claim": func(p *project) { mkdir(p, p.attempt(3, "")) },
		"new evidence behind the cache":     func(p *project) { p.epoch(3) },
		"a torn line at the end of the journal": func(p *project) {
			f, err := os.OpenFile(record.JournalPath(p.state), os.O_APPEND|os.O_WRONLY, 0)
			p.must(err)
			f.WriteString(`{"event":`)
			f.Close()
		},
		"seen through a link": func(p *project) {
			p.must(os.Rename(p.run.WorkDir, p.run.WorkDir+".real"))
			p.must(os.Symlink(p.run.WorkDir+".real", p.run.WorkDir))
			p.sheet.Runs[0].WorkDir += ".real"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := healthy(t)
			do(p)
			if got := p.check(); len(got) > 0 {
				t.Error(got)
			}
		})
	}
}

// TestOrphan: a process of the command that outlived the supervisor is told of, and left alone.
func TestOrphan(t *testing.T) {
	p := healthy(t)
	c := p.claim()
	tenure := p.begin(c)
	orphan := p.sleeper(c.Nonce)
	tenure.Leave()
	got := p.check()
	if len(got) != 1 || got[0].Severity != Noted || !strings.Contains(got[0].What, "processes of its command are not") {
		t.Error(got)
	}
	if p.sys.Procs.Check(orphan) != proc.Alive {
		t.Error("check ended the orphan")
	}
}

// TestReadsOnly compares the whole project before and after, stamps included.
func TestReadsOnly(t *testing.T) {
	p := healthy(t)
	p.epoch(3) // so that the cache does not hold
	before := p.tree()
	Sheet(t.Context(), durable.OS(), p.sheet)
	if after := p.tree(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	cache := progress.New(durable.OS(), progress.Options{})
	cache.Get(t.Context(), p.run.WorkDir, p.spec(), false)
	if p.tree() == before {
		t.Error("the comparison does not see a change")
	}
}

// TestSwapped: the records of a run in the work dir of another are nobody's history.
func TestSwapped(t *testing.T) {
	p := healthy(t)
	other := p.run
	other.Name, other.WorkDir = "lr=0.2", filepath.Join(p.sheet.Dir, "runs", "0.2")
	p.must(os.CopyFS(other.WorkDir, os.DirFS(p.run.WorkDir)))
	p.must(filepath.Walk(record.Dir(other.WorkDir), func(path string, info os.FileInfo, err error) error {
		return os.Chmod(path, map[bool]os.FileMode{true: 0o700, false: 0o600}[info.IsDir()])
	}))
	p.sheet.Runs = append(p.sheet.Runs, other)
	got := p.check()
	if len(got) != 1 || got[0].Severity != Broken || got[0].Path != record.Dir(other.WorkDir) || !strings.Contains(got[0].What, "those of lr=0.1, another run") {
		t.Error(got)
	}
}

func TestOneLine(t *testing.T) {
	if line := (Violation{Broken, "/a\nb", "x", "do /a\nb"}).String(); strings.Contains(line, "\n") {
		t.Errorf("%q", line)
	}
}

func TestUnreadableIsNotDamaged(t *testing.T) {
	if do, what := damaged(&os.PathError{Op: "open", Path: "x", Err: unix.EACCES}); strings.Contains(do, "remove") || strings.Contains(what, "damaged") {
		t.Error(do, what)
	}
}

func TestTwice(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": 1, "b": {"a": 2, "A": 3}, "c": ["a", "a", {"a": "a"}], "d": "a"}`: "",
		`{"a": 1, "A": 2}`:                     "A",
		`{"e": {"x": 1, "y": {}, "x": []}}`:    "x",
		`[{"a": [1, "a"], "b": 1, "b": null}]`: "b",
		`{"a"`:                                 "",
		``:                                     "",
	} {
		if got := twice([]byte(text)); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

// TestSilent: a file system that does not answer is told of as such, and holds up the check of no other run.
func TestSilent(t *testing.T) {
	p := healthy(t)
	m := fusetest.New(t, t.TempDir(), fusetest.Options{})
	hung := p.run
	hung.Name, hung.WorkDir = "hung", filepath.Join(m.Dir, "hung")
	p.must(os.MkdirAll(hung.WorkDir, 0o755))
	p.sheet.Runs = append(p.sheet.Runs, hung)
	c := runsheet.Claim{Run: hung.Name, WorkDir: hung.WorkDir, Attempt: 1, Nonce: fakeNonce, At: time.Now()}
	p.note(journal.Claimed, c, "")
	p.note(journal.Ended, c, runsheet.EndExit)
	p.must(os.Remove(record.EndPath(record.AttemptDir(p.run.WorkDir, 2))))
	m.Halt()
	found := Sheet(t.Context(), durable.OS(), p.sheet)
	places := Places(durable.OS(), []string{p.sheet.Dir, hung.WorkDir})
	m.GoOn()
	var silent, others int
	for _, v := range found {
		if strings.Contains(v.What, "its file system has not answered for") && v.Path == hung.WorkDir && v.Severity == Broken {
			silent++
		} else {
			others++
		}
	}
	if silent != 1 || others == 0 || len(places) != 1 {
		t.Errorf("%v; places %v", found, places)
	}
}
