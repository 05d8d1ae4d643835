package supervise

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// gate is a shell that waits for a line on descriptor 3 and then becomes the command. It is started before start.json
// is written, so that the record can name the command's session; a supervisor that dies in between closes the pipe,
// and the gate goes without having run anything. It is the very shell of the command: see shell.
const gate = `read -r go <&3 && exec 3<&- && exec "$@"`

// command is the attempt's command, from the waiting gate on.
type command struct {
	pid int      // of the gate, then of the command: also its session and process group
	go_ *os.File // writing a line here lets it run

	activated *mark // nil: nothing is to be activated before it
}

// open starts the gate. Nothing of the sheet's runs before release.
func (s *supervisor) open(c runsheet.Claim) (*command, error) {
	log, err := durable.OpenOwn(s.disk, "log", record.LogPath(s.dir), os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	// A description of its own: the command's lock lives as long as any process that inherited the descriptor.
	alive, err := durable.OpenLock(s.disk, "log", record.AlivePath(s.dir))
	if err != nil {
		return nil, err
	}
	defer alive.Close()
	if got, err := alive.Try(record.CommandByte); err != nil || !got {
		return nil, fmt.Errorf("lock the command's byte of %s: taken: %v, error: %w", record.AlivePath(s.dir), !got, err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	cmd := &command{go_: write}
	files := []*os.File{null, log.OS(), log.OS(), read, alive.File().OS()}
	if c.Activate != "" {
		m, err := newMark()
		if err != nil {
			write.Close()
			return nil, err
		}
		defer m.write.Close()
		cmd.activated, files = &m, append(files, m.write)
	}
	shell := shell()
	name := filepath.Base(shell) // as it is called in what it says
	p, err := os.StartProcess(shell, append([]string{name, "-c", gate, name}, shellArgs(name, activated, c.Activate, c.Command)...), &os.ProcAttr{
		Dir:   c.Dir,
		Env:   environment(os.Environ(), c, s.dir),
		Files: files,
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		write.Close()
		return nil, fmt.Errorf("start the command in %s: %w", c.Dir, err)
	}
	cmd.pid = p.Pid
	p.Release() // the reaper waits for every child by itself
	return cmd, nil
}

// release lets the command run.
func (c *command) release() error {
	_, err := c.go_.WriteString("go\n")
	c.go_.Close()
	return err
}

// callOff ends a gate that was never released.
func (c *command) callOff() { c.go_.Close() }

// environment is what the command sees: the supervisor's own, the sheet's, and what every attempt is told.
func environment(inherited []string, c runsheet.Claim, attemptDir string) []string {
	set := map[string]string{
		"RUNSHEET_RUN":      c.Run,
		"RUNSHEET_ATTEMPT":  strconv.Itoa(c.Attempt),
		"RUNSHEET_WORK_DIR": c.WorkDir,
		"RUNSHEET_RESUME":   "",
		"RUNSHEET_TOKEN":    c.Nonce,
		"RUNSHEET_PROGRESS": record.ReportedPath(attemptDir),
	}
	if c.Resume {
		set["RUNSHEET_RESUME"] = "1"
	}
	for k, v := range c.Env {
		set[k] = v
	}
	if len(c.Devices) > 0 { // the slot's, whatever the sheet's env says: another attempt holds the other devices
		set["CUDA_VISIBLE_DEVICES"] = strings.Join(c.Devices, ",")
		set["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID" // nvidia-smi's order, in which the devices were chosen
	}
	out := slices.DeleteFunc(slices.Clone(inherited), func(kv string) bool {
		key, _, _ := strings.Cut(kv, "=")
		_, replaced := set[key]
		// A shell that is not interactive reads these two as rc files.
		return replaced || key == "BASH_ENV" || key == "ENV"
	})
	if _, ok := set["PYTHONUNBUFFERED"]; !ok && !slices.ContainsFunc(out, func(kv string) bool { return strings.HasPrefix(kv, "PYTHONUNBUFFERED=") }) {
		out = append(out, "PYTHONUNBUFFERED=1")
	}
	for k, v := range set {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}
