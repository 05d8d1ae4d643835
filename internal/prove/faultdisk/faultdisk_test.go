package faultdisk

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"runsheet/internal/durable"
)

// writer returns a process that takes a lock and writes once, and the error that it got.
func writer(d *Disk, dir string, err *error) func() {
	return func() {
		l, lerr := durable.OpenLock(d, "lock", filepath.Join(dir, "lock"))
		if lerr != nil {
			*err = lerr
			return
		}
		defer l.Close()
		if _, lerr = l.Try(0); lerr != nil {
			*err = lerr
			return
		}
		*err = durable.WriteOnce(d, "doc", filepath.Join(dir, "doc"), []byte("whole"))
	}
}

// TestEveryFault lets every operation go wrong in every way: it does, once, and who dies does nothing more and holds no
// lock.
func TestEveryFault(t *testing.T) {
	count := New(durable.OS(), nil)
	var err error
	if killed := count.Run(writer(count, t.TempDir(), &err)); killed || err != nil {
		t.Fatalf("without a fault: killed %v, %v", killed, err)
	}
	ops := count.Ops()
	for k, op := range ops {
		for _, f := range Faults() {
			if !f.Fits(op.Kind) {
				continue
			}
			dir := t.TempDir()
			d := New(durable.OS(), At(k, f))
			err = nil
			killed := d.Run(writer(d, dir, &err))
			dies := f == Dies || f == DiesMid
			if !d.Hit() || killed != dies || dies && len(d.Ops()) != k+1 {
				t.Errorf("%d %s, %s: reached %v, killed %v, %d operations", k, op, f, d.Hit(), killed, len(d.Ops()))
			}
			if !dies && err != nil && !errors.Is(err, unix.EIO) && !errors.Is(err, unix.ENOSPC) {
				t.Errorf("%d %s, %s: %v", k, op, f, err)
			}
			if data, err := os.ReadFile(filepath.Join(dir, "doc")); err == nil && string(data) != "whole" {
				t.Errorf("%d %s, %s: left %q", k, op, f, data)
			}
			l, lerr := durable.OpenLock(durable.OS(), "", filepath.Join(dir, "lock"))
			if lerr != nil {
				t.Fatal(lerr)
			}
			if got, err := l.Try(0); !got || err != nil {
				t.Errorf("%d %s, %s: the lock is stuck: %v", k, op, f, err)
			}
			l.Close()
			if _, err := d.Lstat("", dir); !errors.Is(err, errGone) {
				t.Errorf("a dead process looks at a file: %v", err)
			}
		}
	}
}
