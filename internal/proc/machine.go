package proc

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"runsheet"
	"runsheet/internal/durable"
)

const (
	machineIDFile = "/etc/machine-id" // machine-id(5)
	randomName    = "machine-id"      // of the file with the random id
)

// this is which machine this is, read when it is first asked for: nothing of it is needed by most commands.
var this struct {
	sync.Mutex
	read bool
	is   runsheet.Machine
}

// thisMachine returns which machine this is, as far as that is known. It writes nothing.
func thisMachine() runsheet.Machine {
	this.Lock()
	defer this.Unlock()
	if !this.read {
		this.read, this.is = true, readMachine(durable.OS(), machineIDFile, stateDir(), ownDisk)
	}
	return this.is
}

// KnowMachine draws the random id of this machine and keeps it on its disk, unless there is one. Launchers, and jobs of a
// scheduler, call it before they say who they are. Where it cannot be kept there is none: then nobody can tell after a
// reboot that this is the same machine, and nothing else is amiss.
func KnowMachine(disk durable.Disk) {
	if thisMachine().Random != "" || !drawRandom(disk, stateDir(), ownDisk) {
		return
	}
	this.Lock()
	defer this.Unlock()
	this.is = readMachine(disk, machineIDFile, stateDir(), ownDisk)
}

// stateDir returns the directory that the random id is kept in; empty: there is none. One that is on a network is of no
// use, which ownDisk tells.
func stateDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/runsheet"
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "runsheet")
	}
	home, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(home) {
		return ""
	}
	return filepath.Join(home, ".local", "state", "runsheet")
}

// ownDisk says whether what is kept at an existing path is of this machine alone. An overlay is not: below it lies an
// image that others may have been made of, and what is written on it goes with the container.
func ownDisk(path string) bool {
	kind, err := durable.FileSystemOf(path)
	return err == nil && kind.Local && kind.Name != "overlay"
}

// readMachine reads both ids; what cannot be read, or is none, is not known.
func readMachine(disk durable.Disk, idFile, dir string, own func(string) bool) runsheet.Machine {
	var m runsheet.Machine
	if data, _, err := durable.Read(disk, "machine", idFile, 4096); err == nil {
		m.ID = derive(string(data))
	}
	path := filepath.Join(dir, randomName)
	if dir == "" || !own(dir) {
		return m
	}
	data, info, err := durable.ReadOwn(disk, "machine", path, 4096)
	if err != nil {
		return m
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if id := strings.TrimSpace(string(data)); isID(id) && ok && int(st.Uid) == os.Geteuid() && info.Mode().Perm()&0o022 == 0 {
		m.Random = id
	}
	return m
}

// derive returns an id that stands for the contents of /etc/machine-id, without giving it away: machine-id(5) asks for a
// keyed hash. It is empty where there is none: an image may hold an empty file, or the word "uninitialized".
func derive(contents string) string {
	id := strings.TrimSpace(contents)
	if !isID(id) {
		return ""
	}
	h := hmac.New(sha256.New, []byte(id))
	h.Write([]byte("runsheet machine"))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// isID says whether a text is 32 hex digits, which are not all 0.
func isID(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == "" && strings.Trim(s, "0") != ""
}

// drawRandom keeps a random id in dir, and says whether there is one afterwards. Of several who do so at once, all read
// the same one afterwards.
func drawRandom(disk durable.Disk, dir string, own func(string) bool) bool {
	if dir == "" || !own(existing(dir)) { // a home directory on a network is not to get an empty directory
		return false
	}
	if durable.MkdirAll(disk, "machine", dir, 0o700) != nil || !own(dir) {
		return false
	}
	var b [16]byte
	rand.Read(b[:]) // never fails
	err := durable.WriteOnce(disk, "machine", filepath.Join(dir, randomName), []byte(hex.EncodeToString(b[:])+"\n"))
	return err == nil || errors.Is(err, durable.ErrExists)
}

// existing returns the lowest directory at or above dir that is there.
func existing(dir string) string {
	for {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}
