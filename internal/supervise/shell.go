package supervise

import (
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// shell returns the path of the shell that commands are written for: bash, and sh where there is none. Whatever stands
// between us and a command has to be this shell too: a plain sh drops the functions that bash exports, `module` among
// them, since their names are none of its variables (BASH_FUNC_module%%).
func shell() string {
	if path, err := exec.LookPath("bash"); err == nil {
		if abs, err := filepath.Abs(path); err == nil {
			return abs
		}
	}
	return "/bin/sh"
}

// activated runs the first argument, and in the same shell the second one. In between it writes a line to descriptor 5,
// which neither of them has. The first may fail, or end the shell: then the line is missing. Neither sees the arguments:
// a sourced script would take them for its own. All on one line: the lines that bash names are those of the sheet's text.
const activated = `__runsheet_activate=$1 __runsheet_command=$2; set --; eval "$__runsheet_activate" 5>&-; ` +
	`case $? in 0) ;; *) exit ;; esac; echo >&5 && exec 5>&- && eval "$__runsheet_command"`

// activatedQuietly is activated for a command whose output is read. The output of the activation is thrown away.
const activatedQuietly = `__runsheet_activate=$1 __runsheet_command=$2; set --; eval "$__runsheet_activate" >/dev/null; ` +
	`case $? in 0) ;; *) exit ;; esac; eval "$__runsheet_command"`

// shellArgs returns the arguments with which a shell runs a command. script runs activate first, where that is not empty.
func shellArgs(name, script, activate, command string) []string {
	if activate == "" {
		return []string{name, "-c", command}
	}
	return []string{name, "-c", script, name, activate, command}
}

// mark is where the shell of a command says that it has been activated.
type mark struct{ read, write *os.File }

func newMark() (m mark, err error) {
	m.read, m.write, err = os.Pipe()
	return m, err
}

// made says whether the shell has come as far as to the command. What still lives may hold the pipe open, so it does not
// wait for anything.
func (m mark) made() bool {
	conn, err := m.read.SyscallConn()
	if err != nil {
		return false
	}
	n := 0
	err = conn.Read(func(fd uintptr) bool {
		n, _ = unix.Read(int(fd), make([]byte, 1))
		return true
	})
	return err == nil && n == 1
}
