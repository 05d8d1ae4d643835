package cli

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// readyFD is the descriptor on which a detached launcher says that it works.
const readyFD = 3

// detach starts a launcher in a session of its own, and returns once it holds the sheet.
func detach(env Env, s *runsheet.Sheet, o runOptions) error {
	state := record.StateDir(s.Dir, s.Path)
	if err := record.MakeState(env.Disk, "detach", state); err != nil {
		return hinted(fmt.Errorf("detach: %w", err), "what stands in the way there must be moved away")
	}
	path := record.LauncherLogPath(state)
	log, err := durable.OpenOwn(env.Disk, "detach", path, os.O_RDWR|os.O_APPEND)
	if err != nil {
		return fmt.Errorf("detach: %w", err)
	}
	defer log.Close()
	before, err := log.Stat()
	if err != nil {
		return fmt.Errorf("detach: %w", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("detach: %w", err)
	}
	defer read.Close()
	cmd := exec.Command("/proc/self/exe", "run", "--detached", "-s", s.Path)
	cmd.Args[0] = os.Args[0] // what ps shows
	if o.jobs > 0 {
		cmd.Args = append(cmd.Args, "-j", fmt.Sprint(o.jobs))
	}
	for flag, set := range map[string]bool{"--outdated": o.launcher.Outdated, "--resume-stopped": o.launcher.ResumeStopped} {
		if set {
			cmd.Args = append(cmd.Args, flag)
		}
	}
	cmd.Dir = env.Dir
	cmd.Stdout, cmd.Stderr = log.OS(), log.OS()
	cmd.ExtraFiles = []*os.File{write}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		write.Close()
		return fmt.Errorf("detach: %w", err)
	}
	write.Close()
	word, _ := bufio.NewReader(read).ReadString('\n')
	if word == "ready\n" {
		env.say("detached: process %d; its log is %s; `runsheet status --watch` shows the runs", cmd.Process.Pid, shownPath(env, path))
		return cmd.Process.Release()
	}
	err = cmd.Wait()
	code := exitFailed
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() > 0 {
		code = cmd.ProcessState.ExitCode()
	}
	if err == nil {
		env.say("nothing was left to do; the log is %s", shownPath(env, path))
		return nil
	}
	return &codedError{durable.WithHint(fmt.Errorf("the launcher did not start: %s", lastLines(log, before.Size(), 3)), "its log is "+path), code}
}

// ready returns what tells the process that detached us that we work. A launcher that nobody waits for has no pipe
// there.
func ready() func() {
	var st unix.Stat_t
	if err := unix.Fstat(readyFD, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return func() {}
	}
	unix.CloseOnExec(readyFD) // no attempt is to hold it
	f := os.NewFile(readyFD, "ready")
	return func() {
		f.WriteString("ready\n")
		f.Close()
	}
}

// lastLines returns the last n lines that were added to a log since it was from bytes long, as one.
func lastLines(log durable.File, from int64, n int) string {
	info, err := log.Stat()
	if err != nil {
		return err.Error()
	}
	from = max(from, info.Size()-64<<10)
	data, err := io.ReadAll(io.NewSectionReader(log, from, max(info.Size()-from, 0)))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if lines[0] == "" {
		return "it said nothing"
	}
	return diagnose.Clean(strings.Join(lines[max(len(lines)-n, 0):], "; "))
}

// inlineName names the sheet of an inline command after its contents.
func inlineName(text []byte) string {
	sum := sha256.Sum256(text)
	return "inline-" + hex.EncodeToString(sum[:4]) + ".yaml"
}
