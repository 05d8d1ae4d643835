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
	known map[string]place  // by path, for as long
}

// MountOf returns where the file system of a path is mounted; the path is absolute. Nothing is asked of a file system that
// is not local, so that the answer comes whatever has become of that: symbolic links are followed as far as local ones hold
// them.
func MountOf(path string) string {
	mounts.Lock()
	defer mounts.Unlock()
	return placeOf(filepath.Clean(path), mountKinds(), mounts.known, maxLinks, os.Readlink).mount
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
			mounts.kinds, mounts.known = parseMounts(data), map[string]place{}
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

// place is where a path leads: its mount point, and its name without symbolic links.
type place struct{ mount, at string }

// placeOf follows a path, name by name; known has what was followed before. links is how many more links are followed.
func placeOf(path string, kinds map[string]string, known map[string]place, links int, readlink func(string) (string, error)) place {
	if path == "/" || path == "." {
		return place{"/", "/"}
	}
	if p, ok := known[path]; ok {
		return p
	}
	p := placeOf(filepath.Dir(path), kinds, known, links, readlink)
	dir := p.at
	p.at = filepath.Join(dir, filepath.Base(path))
	if _, ok := kinds[p.at]; ok {
		p.mount = p.at
	} else if links > 0 && localTypes[kinds[p.mount]] {
		if to, err := readlink(p.at); err == nil {
			if !filepath.IsAbs(to) {
				to = filepath.Join(dir, to)
			}
			p = placeOf(filepath.Clean(to), kinds, known, links-1, readlink)
		}
	}
	known[path] = p
	return p
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

// Served says whether any file system is mounted that another machine or process answers for.
func Served() bool {
	mounts.Lock()
	defer mounts.Unlock()
	for _, kind := range mountKinds() {
		if kind, _, _ := strings.Cut(kind, "."); servedTypes[kind] { // fuse.sshfs
			return true
		}
	}
	return false
}

// servedTypes are the types of file systems that another machine or process answers for, as far as they are known.
var servedTypes = map[string]bool{"fuse": true, "fuseblk": true, "nfs": true, "nfs4": true, "cifs": true, "smb3": true, "9p": true,
	"virtiofs": true, "lustre": true, "gpfs": true, "beegfs": true, "ceph": true, "afs": true, "autofs": true, "panfs": true, "orangefs": true}
