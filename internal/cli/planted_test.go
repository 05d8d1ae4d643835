package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
	"runsheet/internal/record"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A planter is who makes a .runsheet where others run their sheets, and a victim who runs one there.
const (
	planter = 65533
	victim  = 65534
)

// TestPlantedState makes a .runsheet in a directory where anybody may make files, before somebody else runs a sheet
// there. Whatever is called comes back at once, and changes nothing; what would write into it says why it does not.
func TestPlantedState(t *testing.T) {
	users := []int{os.Geteuid()}
	if users[0] == 0 {
		users = append(users, victim)
	}
	binary := public(t)
	for _, c := range []struct {
		name  string
		plant func(t *testing.T, ours, theirs string) // our directory beside the sheet, and where a planter keeps things
	}{
		{"a symbolic link", func(t *testing.T, ours, theirs string) { must(t, os.Symlink(theirs, ours)) }},
		{"a symbolic link to nothing", func(t *testing.T, ours, theirs string) {
			must(t, os.Symlink(filepath.Join(theirs, "not", "there"), ours))
		}},
		{"a directory", func(t *testing.T, ours, _ string) { must(t, os.Mkdir(ours, 0o777)) }},
		{"a link for a log", func(t *testing.T, ours, theirs string) {
			must(t, os.MkdirAll(filepath.Join(ours, "runsheet.yaml"), 0o777))
			must(t, os.Symlink(filepath.Join(theirs, "log"), filepath.Join(ours, "runsheet.yaml", "launcher.log")))
		}},
		{"a log", func(t *testing.T, ours, _ string) {
			must(t, os.MkdirAll(filepath.Join(ours, "runsheet.yaml"), 0o777))
			must(t, os.WriteFile(filepath.Join(ours, "runsheet.yaml", "launcher.log"), []byte("mine\n"), 0o666))
		}},
		{"FIFOs", func(t *testing.T, ours, _ string) {
			must(t, os.MkdirAll(filepath.Join(ours, "runsheet.yaml"), 0o777))
			for _, name := range []string{"launcher.log", "launcher.lock", "journal.jsonl", "setup.log"} {
				must(t, unix.Mkfifo(filepath.Join(ours, "runsheet.yaml", name), 0o666))
			}
		}},
		{"a FIFO", func(t *testing.T, ours, _ string) { must(t, unix.Mkfifo(ours, 0o666)) }},
	} {
		for _, args := range [][]string{{"run", "--detach"}, {"run"}, {"run", "echo {x}", "x=1"}, {"plan"}, {"status"}, {"check"}, {"logs", "x=1"}} {
			for _, uid := range users {
				t.Run(fmt.Sprintf("%s/%s as %d", c.name, strings.Join(args, " "), uid), func(t *testing.T) {
					t.Parallel()
					dir := publicDir(t)
					project, theirs := filepath.Join(dir, "project"), filepath.Join(dir, "theirs")
					for _, d := range []string{project, theirs} {
						must(t, os.Mkdir(d, 0o700))
						must(t, os.Chmod(d, 0o777|fs.ModeSticky))
					}
					sheet := filepath.Join(project, "runsheet.yaml")
					must(t, os.WriteFile(sheet, []byte("version: 1\ncommand: echo {x}\nmatrix: {x: [1]}\nsetup: echo secret\n"), 0o644))
					must(t, os.WriteFile(filepath.Join(theirs, "log"), []byte("mine\n"), 0o644))
					ours := filepath.Join(project, ".runsheet")
					c.plant(t, ours, theirs)
					own(t, ours)
					own(t, theirs)
					before := tree(t, project) + tree(t, theirs)
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					cmd := exec.CommandContext(ctx, binary, args...)
					cmd.Dir = project
					cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
					if uid != os.Geteuid() {
						cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
					}
					said, err := cmd.CombinedOutput()
					if ctx.Err() != nil {
						t.Fatalf("it hangs; it said %s", said)
					}
					if args[0] == "run" && (err == nil || !strings.Contains(string(said), "records cannot be trusted: ") || !strings.Contains(string(said), "hint: ")) {
						t.Errorf("%v: %s", err, said)
					}
					if after := tree(t, project) + tree(t, theirs); after != before {
						t.Errorf("it was\n%s\nand is\n%s", before, after)
					}
				})
			}
		}
	}
}

// public copies this program to where everybody may run it, as runsheet.
func public(t *testing.T) string {
	path := filepath.Join(publicDir(t), "runsheet")
	self, err := os.Open("/proc/self/exe")
	must(t, err)
	defer self.Close()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	must(t, err)
	_, err = io.Copy(f, self)
	must(t, err)
	must(t, f.Close())
	must(t, os.Chmod(path, 0o755))
	return path
}

// publicDir makes a directory that everybody may look into: those of the testing package are ours alone.
func publicDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "runsheet-test")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

// own makes a planter's what is planted, and as open as its modes were meant to be.
func own(t *testing.T, path string) {
	must(t, filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err == nil && os.Geteuid() == 0 {
			err = os.Lchown(path, planter, planter)
		}
		if err == nil && d.Type()&fs.ModeSymlink == 0 {
			err = os.Chmod(path, 0o777)
		}
		return err
	}))
}

// tree lists all below a directory, with the contents of the files.
func tree(t *testing.T, dir string) string {
	var b strings.Builder
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fmt.Fprintln(&b, path, d.Type())
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			fmt.Fprintf(&b, "  %q\n", data)
			return err
		}
		return nil
	}))
	return b.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestPlantedLauncher plants a directory of a sheet's whose lock names a process of the user's as its launcher. What a
// launcher hears would end that process.
func TestPlantedLauncher(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	binary, dir := public(t), publicDir(t)
	must(t, os.WriteFile(filepath.Join(dir, "runsheet.yaml"), []byte("version: 1\ncommand: echo {x}\nmatrix: {x: [1]}\n"), 0o644))
	bystander := exec.Command("sleep", "300")
	must(t, bystander.Start())
	who, err := proc.Identify(bystander.Process.Pid)
	must(t, err)
	state := filepath.Join(dir, ".runsheet", "runsheet.yaml")
	lock, _, err := record.HoldSheet(durable.OS(), proc.System(), state)
	must(t, err)
	defer lock.Release()
	data, err := json.Marshal(who)
	must(t, err)
	must(t, os.WriteFile(record.LauncherLockPath(state), data, 0o600)) // in place: the lock stays
	own(t, filepath.Join(dir, ".runsheet"))
	for args, code := range map[string]int{"stop": 0, "retry": 1} {
		cmd := exec.CommandContext(t.Context(), binary, args, "x=1")
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != code || !strings.Contains(string(out), "records cannot be trusted") {
			t.Errorf("%s: exit code %d, want %d:\n%s", args, got, code, out)
		}
	}
	must(t, bystander.Process.Signal(unix.SIGTERM))
	bystander.Wait()
	if status := bystander.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != unix.SIGTERM {
		t.Errorf("the bystander was ended by %v", status.Signal())
	}
}
