package durable

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// mountsFor is how long the list of mounts is taken to be what it was, where the kernel does not tell of changes.
const mountsFor = time.Second

const mountinfo = "/proc/self/mountinfo"

// mounts is the list as it was read last.
var mounts struct {
	sync.Mutex
	at    time.Time
	fd    int               // tells of changes, and not to the runtime's poller, which would keep them to itself
	kinds map[string]string // type of the file system by its mount point
	known map[string]string // mount point by path, for as long
}

// MountOf returns where the file system of a path is mounted; the path is absolute. Nothing is asked of a file system that
// is not local, so that the answer comes whatever has become of that: symbolic links are followed as far as local ones hold
// them.
func MountOf(path string) string {
	mounts.Lock()
	kinds, known := mountKinds(), mounts.known
	at, ok := known[path]
	mounts.Unlock()
	if !ok {
		at = mountOf(path, kinds, os.Readlink)
		mounts.Lock()
		known[path] = at
		mounts.Unlock()
	}
	return at
}

// IsMount says whether something is mounted at a path that holds no symbolic links.
func IsMount(path string) bool {
	mounts.Lock()
	defer mounts.Unlock()
	_, ok := mountKinds()[path]
	return ok
}

// mountKinds returns the list as it is now. The caller holds the lock.
func mountKinds() map[string]string {
	if mounts.kinds == nil {
		var err error
		if mounts.fd, err = unix.Open(mountinfo, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			mounts.fd = -1 // which poll passes over
		}
	}
	if mounts.kinds == nil || mountsChanged() || time.Since(mounts.at) > mountsFor {
		if data, err := os.ReadFile(mountinfo); err == nil || mounts.kinds == nil {
			mounts.kinds, mounts.known = parseMounts(data), map[string]string{}
		}
		mounts.at = time.Now()
	}
	return mounts.kinds
}

// mountsChanged says whether the kernel tells of a change since it was asked last (proc_pid_mounts(5)).
func mountsChanged() bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(mounts.fd), Events: unix.POLLPRI}}, 0)
	return err == nil && n > 0
}

// maxLinks is how many symbolic links are followed, as by the kernel.
const maxLinks = 40

func mountOf(path string, kinds map[string]string, readlink func(string) (string, error)) string {
	mount, at, rest := "/", "/", filepath.Clean(path)
	for links := 0; ; {
		var name string
		name, rest, _ = strings.Cut(strings.TrimLeft(rest, "/"), "/")
		if name == "" {
			return mount
		}
		next := filepath.Join(at, name)
		if _, ok := kinds[next]; ok {
			mount, at = next, next
			continue
		}
		if links < maxLinks && localTypes[kinds[mount]] {
			if to, err := readlink(next); err == nil {
				links++
				if !filepath.IsAbs(to) {
					to = filepath.Join(at, to)
				}
				mount, at, rest = "/", "/", filepath.Join(to, rest)
				continue
			}
		}
		at = next
	}
}

// localTypes are the types of file systems, as in the list of mounts, that no other machine has to answer for.
var localTypes = map[string]bool{"": true, "rootfs": true, "ext2": true, "ext3": true, "ext4": true, "xfs": true, "btrfs": true,
	"tmpfs": true, "ramfs": true, "overlay": true}

// parseMounts reads mount points and types off a mountinfo (proc_pid_mountinfo(5)).
func parseMounts(data []byte) map[string]string {
	kinds := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		mount, kind, ok := strings.Cut(lines.Text(), " - ")
		fields := strings.Fields(mount)
		if !ok || len(fields) < 5 {
			continue
		}
		kind, _, _ = strings.Cut(kind, " ")
		kinds[unescaped(fields[4])] = kind // of several at one place the last is seen
	}
	return kinds
}

// unescaped undoes the octal escapes of white space and backslashes.
func unescaped(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
