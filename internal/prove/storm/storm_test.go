package storm

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/cli"
	"runsheet/internal/forkserver"
	"runsheet/internal/prove/method"
	"runsheet/internal/record"
	"runsheet/internal/supervise"
)

// TestMain lets the test binary be the program under test, and the command of the sheet.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case method.WorkerVerb:
			os.Exit(worker(os.Args[3:]))
		case supervise.Verb:
			os.Exit(supervise.Main(os.Args[2:], os.Stderr))
		case forkserver.Verb:
			os.Exit(forkserver.Main(os.Stderr))
		case "run", "status", "check":
			os.Exit(cli.Main(os.Args[1:], cli.System()))
		}
	}
	os.Exit(m.Run())
}

func config(t *testing.T, binary string) method.Config {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skipf("its programs use bash: %v", err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return method.Config{Seed: 7, Dir: dir, Runsheet: binary, Say: t.Logf}
}

func begin(t *testing.T, c method.Config, kills int) *round {
	t.Helper()
	rd, err := newRound(c, c.Dir, 1, kills, &tally{count: map[string]int{}})
	if err != nil {
		t.Fatal(err)
	}
	_, rd.callOff = context.WithCancel(t.Context())
	t.Cleanup(rd.endAll)
	return rd
}

// TestFindsWhatMustNotBe plants what must never be, and holds that each is told.
func TestFindsWhatMustNotBe(t *testing.T) {
	const run = "plain_4"
	start := `{"event":"start","attempt":1,"token":"a","at":0,"who":{}}` + "\n"
	for _, c := range []struct {
		name  string
		plant func(t *testing.T, rd *round, dir string)
		want  string
	}{
		{"nothing", func(*testing.T, *round, string) {}, ""},
		{"an end is gone", func(t *testing.T, rd *round, dir string) {
			look(t, rd)
			remove(t, record.EndPath(dir))
		}, "end.json was there, and is gone"},
		{"an end is another", func(t *testing.T, rd *round, dir string) {
			look(t, rd)
			remove(t, record.EndPath(dir))
			write(t, record.EndPath(dir), strings.Replace(endText, `"exit_code":0`, `"exit_code":1`, 1))
		}, "end.json was changed"},
		{"a torn claim", func(t *testing.T, rd *round, dir string) {
			remove(t, record.ClaimPath(dir))
			write(t, record.ClaimPath(dir), claimText[:20])
		}, "claim.json is torn"},
		{"lost without a kill", func(t *testing.T, rd *round, dir string) {
			remove(t, record.EndPath(dir))
			write(t, record.EndPath(dir), strings.Replace(endText, `"exit","exit_code":0`, `"lost"`, 1))
		}, "nobody killed its supervisor"},
		{"stopped by nobody", func(t *testing.T, rd *round, dir string) {
			remove(t, record.EndPath(dir))
			write(t, record.EndPath(dir), strings.Replace(endText, `"exit","exit_code":0`, `"stopped"`, 1))
		}, "which nobody asked for"},
		{"two at once", func(t *testing.T, rd *round, dir string) {
			write(t, logPath(rd.ledger, run), start+`{"event":"wrong","attempt":2,"text":"another live attempt"}`+"\n")
		}, "attempt 2 of plain_4: another live attempt"},
		{"finished and begun again", func(t *testing.T, rd *round, dir string) {
			write(t, logPath(rd.ledger, run), start+`{"event":"stop","attempt":1}`+"\n"+strings.ReplaceAll(start, `"attempt":1`, `"attempt":2`))
		}, "attempt 2 of plain_4 began, and the run was finished"},
		{"a number twice", func(t *testing.T, rd *round, dir string) {
			write(t, logPath(rd.ledger, run), start+start)
		}, "attempt 1 of plain_4 began after attempt 1"},
		{"a shorter journal", func(t *testing.T, rd *round, dir string) {
			state := record.StateDir(rd.dir, filepath.Join(rd.dir, sheetName))
			if err := os.MkdirAll(state, 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, record.JournalPath(state), "{\"event\":\"claim\"}\n{\"event\":\"end\"}\n")
			look(t, rd)
			write(t, record.JournalPath(state), "{\"event\":\"claim\"}\n")
		}, "lost lines that were whole"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rd := begin(t, config(t, ""), 10)
			dir := record.AttemptDir(rd.workDir(run), 1)
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, record.ClaimPath(dir), claimText)
			write(t, record.StartPath(dir), startText)
			write(t, record.EndPath(dir), endText)
			c.plant(t, rd, dir)
			look(t, rd)
			got := strings.Join(rd.violations, "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

const (
	claimText = `{"schema":"runsheet.claim/1","attempt":1,"nonce":"n"}`
	startText = `{"schema":"runsheet.start/1","nonce":"n","pid":1}`
	endText   = `{"schema":"runsheet.end/1","nonce":"n","by":{"pid":1},"kind":"exit","exit_code":0}`
)

// look does what the watchers do once.
func look(t *testing.T, rd *round) {
	t.Helper()
	if err := rd.readRecords(); err != nil {
		t.Fatal(err)
	}
	for _, run := range rd.runs {
		if err := rd.judgeNotes(run); err != nil {
			t.Fatal(err)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// TestFindsItsProcesses holds that a process of the storm is found whatever it does to hide, and that no other is.
func TestFindsItsProcesses(t *testing.T) {
	rd := begin(t, config(t, "/bin/sh"), 10)
	other := begin(t, config(t, "/bin/sh"), 10)
	cmd := rd.runsheet(t.Context(), "-c", "sleep 60 & exec sleep 60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); len(rd.processes()) != 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("found %v", rd.processes())
		}
	}
	if found := other.processes(); len(found) > 0 {
		t.Errorf("another storm found %v", found)
	}
	rd.endAll()
	cmd.Wait()
	if !rd.wasKilled(runsheet.Process{PID: cmd.Process.Pid, StartTime: startOf(rd, cmd.Process.Pid)}) {
		t.Error("a kill was not remembered")
	}
}

// startOf returns when a process that was killed began.
func startOf(rd *round, pid int) uint64 {
	for v := range rd.victims {
		if v.pid == pid {
			return v.start
		}
	}
	return 0
}

// TestPasses holds that the real code is not blamed, though commands and supervisors are killed.
func TestPasses(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	rd := begin(t, config(t, self), 1)
	for _, run := range rd.stays {
		remove(t, filepath.Join(rd.ledger, run+".stays"))
	}
	rd.stays, rd.guarded = nil, map[string]bool{}
	done := make(chan error, 1)
	go func() { done <- rd.finish(t.Context()) }()
	rng := rd.rand("test")
	kills := 0
	for kills < 6 {
		select {
		case err := <-done:
			t.Fatalf("over after %d kills: %v %v", kills, err, rd.violations)
		default:
		}
		p, ok := rd.pick(rng, []role{supervisor, command}[kills%2], nil)
		if !ok || p.role == supervisor && !p.begun() { // a kill before that costs half a minute
			continue
		}
		if err := rd.signal(p.Process, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		kills++
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := rd.judge(); err != nil {
		t.Fatal(err)
	}
	for _, v := range rd.violations {
		t.Error(v)
	}
	if rd.total.count["attempts"] < len(rd.runs) || rd.total.count["ended exit"] < len(rd.runs)/2 {
		t.Errorf("counted %v", rd.total.count)
	}
}

// TestNotesLieWithinAPage holds that a note cannot be cut: whatever it says, its line is as long as all others.
func TestNotesLieWithinAPage(t *testing.T) {
	for _, text := range []string{"", "another live attempt", strings.Repeat("\x01", 4000), strings.Repeat("é", 61)} {
		line, err := note{Event: noteWrong, Attempt: 1 << 30, Token: strings.Repeat("f", 32), Text: text,
			Who: runsheet.Process{Host: strings.Repeat("h", 64), BootID: strings.Repeat("b", 36), PID: 1 << 22, StartTime: 1 << 60}}.line()
		if err != nil || len(line) != lineSize || os.Getpagesize()%lineSize != 0 || line[lineSize-1] != '\n' {
			t.Errorf("%.20q: %d bytes, %v", text, len(line), err)
		}
	}
}
