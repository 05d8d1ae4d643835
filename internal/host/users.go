package host

import (
	"os"
	"os/user"
	"strconv"
	"strings"
	"sync"
)

// users finds the users of processes, asking for each user once: on clusters the answer comes over the network.
type users struct {
	mu    sync.Mutex
	names map[string]string // uid -> name
}

// of returns the name of the effective user of a process, "uid N" where it has none, and "" where the process is not
// there or hidden.
func (u *users) of(pid int) string {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return ""
	}
	uid := effectiveUID(string(data))
	if uid == "" {
		return ""
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if name, ok := u.names[uid]; ok {
		return name
	}
	name := "uid " + uid
	if found, err := user.LookupId(uid); err == nil {
		name = clean(found.Username)
	}
	if u.names == nil {
		u.names = make(map[string]string)
	}
	u.names[uid] = name
	return name
}

// effectiveUID reads the line "Uid: real effective saved filesystem" of /proc/PID/status.
func effectiveUID(status string) string {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, "Uid:"); ok {
			return field(strings.Fields(rest), 1)
		}
	}
	return ""
}
