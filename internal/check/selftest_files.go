package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/durable"
)

// make writes a file.
func (t *selfTest) make(name, text string) error {
	f, err := t.disk.Open(label, t.path(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, durable.Private)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(text))
	return errors.Join(err, f.Close())
}

// reads says what is wrong where a file does not read as it should.
func (t *selfTest) reads(name, want, what string) error {
	data, _, err := durable.Read(t.disk, label, t.path(name), 1<<20)
	if err == nil && string(data) != want {
		err = fmt.Errorf("%s: %.40q, not %.40q", what, data, want)
	}
	return err
}

// private: whoever could write a claim could have any command run in our name.
func (t *selfTest) private() (string, error) {
	if err := t.make("private", ""); err != nil {
		return "", err
	}
	for path, want := range map[string]fs.FileMode{t.path("private"): durable.Private, t.dir: 0o700} {
		info, err := t.disk.Lstat(label, path)
		if err != nil {
			return "", err
		}
		if perm := info.Mode().Perm(); perm != want {
			return "", fmt.Errorf("mode %04o was asked for, and is %04o: others may read or write the records", want, perm)
		}
		if uid := owner(info); uid != os.Geteuid() {
			return "", fmt.Errorf("what user %d makes belongs to user %d: no record could be told from a forged one", os.Geteuid(), uid)
		}
	}
	return "", nil
}

func (t *selfTest) exclusive() (string, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := t.disk.Open(label, t.path("exclusive"), flags, durable.Private)
	if err != nil {
		return "", err
	}
	f.Close()
	if f, err = t.disk.Open(label, t.path("exclusive"), flags, durable.Private); err == nil {
		f.Close()
		return "", errors.New("a file that was there was made once more")
	}
	return "", unless(err, fs.ErrExist)
}

// unless returns err as nil where it is the one that is wanted.
func unless(err, wanted error) error {
	if errors.Is(err, wanted) {
		return nil
	}
	return fmt.Errorf("an unexpected error: %w", err)
}

const needLinks = "records cannot be written without hard links"

// link: a second name is a name of the same file, and the first one stays. Some file systems say that they have linked, and
// have made a copy, a symbolic link, or have renamed.
func (t *selfTest) link() (string, error) {
	if err := t.make("link", "one"); err != nil {
		return "", err
	}
	if err := t.disk.Link(label, t.path("link"), t.path("linked")); err != nil {
		return "", fmt.Errorf("%s: %w", needLinks, err)
	}
	second, err := t.disk.Lstat(label, t.path("linked"))
	if err != nil {
		return "", err
	}
	if second.Mode()&fs.ModeSymlink != 0 {
		return "", fmt.Errorf("%s: a symbolic link is made instead", needLinks)
	}
	first, err := t.disk.Lstat(label, t.path("link"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: the file is renamed instead", needLinks)
	}
	if err != nil {
		return "", err
	}
	if err := t.make("link", "two"); err != nil { // the file stays what it is, with other contents
		return "", err
	}
	if err := t.reads("linked", "two", needLinks+": a copy is made instead"); err != nil {
		return "", err
	}
	a, aok := first.Sys().(*syscall.Stat_t)
	b, bok := second.Sys().(*syscall.Stat_t)
	if aok && bok && a.Ino != b.Ino {
		return "each name has a number of its own", nil
	}
	if bok && b.Nlink != 2 {
		return "it does not count the names of a file", nil
	}
	return "", nil
}

func (t *selfTest) linkTaken() (string, error) {
	if err := errors.Join(t.make("first", "first"), t.make("second", "second")); err != nil {
		return "", err
	}
	if err := t.disk.Link(label, t.path("first"), t.path("name")); err != nil {
		return "", fmt.Errorf("%s: %w", needLinks, err)
	}
	err := t.disk.Link(label, t.path("second"), t.path("name"))
	if err == nil {
		return "", errors.New("a second file was linked to a taken name: two launchers could claim one attempt")
	}
	if err := unless(err, fs.ErrExist); err != nil {
		return "", err
	}
	return "", t.reads("name", "first", "a second link was refused and made all the same")
}

func (t *selfTest) rename() (string, error) {
	if err := errors.Join(t.make("doc", "old"), t.make("new", "new")); err != nil {
		return "", err
	}
	f, err := durable.OpenRegular(t.disk, label, t.path("doc"))
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := t.disk.Rename(label, t.path("new"), t.path("doc")); err != nil {
		return "", fmt.Errorf("a document that somebody reads cannot be replaced: %w", err)
	}
	buf := make([]byte, 3)
	if _, err := f.ReadAt(buf, 0); err != nil {
		return "", fmt.Errorf("a reader of a replaced document cannot go on: %w", err)
	}
	if string(buf) != "old" {
		return "", errors.New("an open file changes when its name is renamed over: readers may see half a document")
	}
	return "", t.reads("doc", "new", "a document that was renamed over reads as before")
}

// appending: two descriptions append in turn, as a command and what it starts do to run.log.
func (t *selfTest) appending() (string, error) {
	var files [2]durable.File
	for i := range files {
		f, err := t.disk.Open(label, t.path("log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, durable.Private)
		if err != nil {
			return "", err
		}
		defer f.Close()
		files[i] = f
	}
	var want strings.Builder
	for i := range 20 {
		line := strconv.Itoa(i) + "\n"
		want.WriteString(line)
		if _, err := files[i%2].Write([]byte(line)); err != nil {
			return "", err
		}
	}
	return "", t.reads("log", want.String(), "two writers that append overwrite each other")
}

func (t *selfTest) syncFile() (string, error) {
	f, err := t.disk.Open(label, t.path("synced"), os.O_WRONLY|os.O_CREATE, durable.Private)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := f.Write([]byte("x")); err != nil {
		return "", err
	}
	began := time.Now()
	if err := f.Sync(); err != nil {
		return "", fmt.Errorf("nothing could be acknowledged: %w", err)
	}
	return "took " + rounded(time.Since(began)), nil
}

func (t *selfTest) syncDir() (string, error) {
	began := time.Now()
	if err := durable.SyncDir(t.disk, label, t.dir); err != nil {
		return "", fmt.Errorf("nothing could be acknowledged: %w", err)
	}
	return "took " + rounded(time.Since(began)), nil
}

func rounded(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }

// How long stamps are watched, and how many of their steps are enough.
const (
	stampTime  = 100 * time.Millisecond
	stampSteps = 8
)

// stamps measures the step between two time stamps, by writing until they have moved a few times.
func (t *selfTest) stamps() (string, error) {
	f, err := t.disk.Open(label, t.path("stamp"), os.O_WRONLY|os.O_CREATE, durable.Private)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var last time.Time
	var step time.Duration
	digits, steps := 0, 0
	for began := time.Now(); steps < stampSteps && time.Since(began) < stampTime; {
		if _, err := f.WriteAt([]byte("x"), 0); err != nil {
			return "", err
		}
		info, err := f.Stat()
		if err != nil {
			return "", err
		}
		at := info.ModTime()
		digits = max(digits, decimals(at.Nanosecond()))
		if d := at.Sub(last); d != 0 && !last.IsZero() {
			steps++
			if step == 0 || d.Abs() < step {
				step = d.Abs()
			}
		}
		last = at
	}
	if digits == 0 {
		return "", &slower{errors.New("whole seconds only: evidence younger than 2 s is read anew by every look")}
	}
	if step == 0 {
		return fmt.Sprintf("%d decimals of a second; they did not move within %v", digits, stampTime), nil
	}
	return fmt.Sprintf("%d decimals of a second, in steps of about %v", digits, step.Round(time.Microsecond)), nil
}

// decimals returns how many decimals of a second a stamp uses.
func decimals(ns int) int {
	if ns == 0 {
		return 0
	}
	return len(strings.TrimRight(fmt.Sprintf("%09d", ns), "0"))
}

// inotify waits for the event of a file that is made.
func (t *selfTest) inotify() (string, error) {
	const follows = "changes are noticed by polling, up to a second late"
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return "", &slower{fmt.Errorf("%s: inotify_init: %w", follows, err)}
	}
	defer unix.Close(fd)
	if _, err := unix.InotifyAddWatch(fd, t.dir, unix.IN_CREATE); err != nil {
		return "", &slower{fmt.Errorf("%s: inotify_add_watch: %w", follows, err)}
	}
	if err := t.make("watched", ""); err != nil {
		return "", err
	}
	for deadline := time.Now().Add(2 * time.Second); ; {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(time.Until(deadline).Milliseconds()))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return "", fmt.Errorf("%s: poll: %w", follows, err)
		case n == 0:
			return "", &slower{fmt.Errorf("%s: no event for a file that was made", follows)}
		}
		return "of what this machine writes", nil
	}
}
