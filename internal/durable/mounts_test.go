package durable

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const someMounts = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw - proc proc rw
40 22 0:50 / /scratch rw shared:7 master:3 - nfs4 server:/scratch rw,vers=4.2
41 40 0:51 / /scratch/fast rw - tmpfs tmpfs rw
42 22 0:52 / /with\040space rw - fuse.sshfs host: rw
garbage
`

// mountOf is MountOf with a list of mounts and links of its own.
func mountOf(path string, kinds map[string]string, readlink func(string) (string, error)) string {
	return placeOf(filepath.Clean(path), kinds, map[string]place{}, maxLinks, readlink).mount
}

// TestMountOf: links are followed on local file systems alone, and nothing is asked of the others.
func TestMountOf(t *testing.T) {
	links := map[string]string{"/home/me/runs": "/scratch/me", "/home/loop": "/home/loop", "/home/me/up": "../other/./x", "/home/other/x": "/with space",
		"/scratch/me/link": "/"}
	readlink := func(path string) (string, error) {
		if mountOf(path, map[string]string{"/": "ext4", "/scratch": "nfs4", "/with space": "fuse.sshfs"}, func(string) (string, error) { return "", errors.New("no link") }) != "/" {
			t.Errorf("%s was looked at", path)
		}
		if to, ok := links[path]; ok {
			return to, nil
		}
		return "", errors.New("no link")
	}
	kinds := parseMounts([]byte(someMounts))
	for path, want := range map[string]string{
		"/":                      "/",
		"/home/me/project":       "/",
		"/scratch":               "/scratch",
		"/scratchy/a":            "/",
		"/scratch/me/a":          "/scratch",
		"/scratch/me/link/a":     "/scratch",
		"/home/me/runs/a/b":      "/scratch",
		"/home/me/up/a":          "/with space",
		"/home/loop/a":           "/",
		"/with space/a/../b/./c": "/with space",
	} {
		if got := mountOf(path, kinds, readlink); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if got := mountOf("/scratch/fast/a", map[string]string{"/scratch": "nfs4", "/scratch/fast": "tmpfs"}, func(string) (string, error) { return "", os.ErrInvalid }); got != "/scratch/fast" {
		t.Errorf("below another: %s", got)
	}
	if got := MountOf("/proc/self/status"); got != "/proc" {
		t.Errorf("/proc: %s", got)
	}
}

// TestUnanswered: what is under way is known by its path, and by those above it.
func TestUnanswered(t *testing.T) {
	before := time.Now()
	Ask("/a/b/c", func() {
		for path, want := range map[string]bool{"/": true, "/a": true, "/a/b/c": true, "/a/b/c/d": false, "/a/bc": false, "/a/b/": true} {
			since, ok := Unanswered(path)
			if ok != want || ok && since.Before(before) {
				t.Errorf("%s: %v, %t", path, since, ok)
			}
		}
	})
	if _, ok := Unanswered("/a"); ok {
		t.Error("it was answered")
	}
	Ask("/a/b", func() {
		GiveUp("/a", before)
		if _, ok := Unanswered("/a"); !ok {
			t.Error("what is younger was given up")
		}
		GiveUp("/b", time.Now())
		GiveUp("/a", time.Now())
		if _, ok := Unanswered("/a"); ok {
			t.Error("it was given up")
		}
	})
	if len(underway.operations) > 0 {
		t.Errorf("%d are under way", len(underway.operations))
	}
}

func BenchmarkLstat(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		OS().Lstat("", dir)
	}
}
