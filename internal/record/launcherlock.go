package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/proc"
)

// MakeState makes the directory of a sheet's state, and our directory above it, or makes sure that they are ours alone.
// Whoever writes into it calls this before anything below it is opened: others may have put there what they like.
func MakeState(disk durable.Disk, label, stateDir string) error {
	for _, dir := range []string{filepath.Dir(stateDir), stateDir} {
		if err := (diskFS{disk}).Private(label, dir, true); err != nil {
			return err
		}
	}
	return nil
}

// ErrLauncher: another launcher holds the sheet.
var ErrLauncher = errors.New("another launcher holds the sheet")

// LauncherLock is held by the one launcher of a sheet as long as it lives.
type LauncherLock struct{ lock *durable.Lock }

// HoldSheet makes the caller the launcher of the sheet whose state directory is given. With ErrLauncher it returns
// who is.
func HoldSheet(disk durable.Disk, procs proc.Procs, stateDir string) (*LauncherLock, runsheet.Process, error) {
	self := procs.Self()
	if err := MakeState(disk, "launcher", stateDir); err != nil {
		return nil, runsheet.Process{}, err
	}
	path := LauncherLockPath(stateDir)
	lock, err := durable.OpenLock(disk, "launcher", path)
	if err != nil {
		return nil, runsheet.Process{}, err
	}
	got, err := lock.Try(0)
	if err == nil && got {
		var same bool
		if same, err = lock.Same(); err == nil && !same {
			err = fmt.Errorf("lock %s: it was taken away", path) // a lock on it excludes nobody
		}
	}
	if err == nil && got {
		err = writeHolder(lock, self)
	}
	if err != nil {
		lock.Close()
		return nil, runsheet.Process{}, err
	}
	if !got {
		holder := Holder(disk, procs, stateDir)
		lock.Close()
		return nil, holder, fmt.Errorf("%w: process %d on %s", ErrLauncher, holder.PID, holder.Host)
	}
	return &LauncherLock{lock}, self, nil
}

// Held says whether the lock still keeps others out: not once its file, or the directory that it lies in, was taken
// away.
func (l *LauncherLock) Held() (bool, error) { return l.lock.Same() }

// Release lets the sheet go.
func (l *LauncherLock) Release() error { return l.lock.Close() }

// LauncherHeld says whether a launcher holds the sheet, without locking anything.
func LauncherHeld(disk durable.Disk, stateDir string) (bool, error) {
	lock, err := durable.OpenLockToProbe(disk, "launcher", LauncherLockPath(stateDir))
	if err != nil {
		return false, err
	}
	defer lock.Close()
	return lock.Held(0)
}

// Holder returns who wrote itself into the launcher's lock; it is only meaningful while the lock is held. A holder
// that took the lock just now needs a moment to replace the name of the one before; a zero process means that it did
// not in time.
func Holder(disk durable.Disk, procs proc.Procs, stateDir string) runsheet.Process {
	for range 200 {
		var p runsheet.Process
		data, _, err := durable.Read(disk, "launcher", LauncherLockPath(stateDir), maxRecord)
		if err == nil && json.Unmarshal(data, &p) == nil && p.PID != 0 && procs.Check(p) != proc.Gone {
			return p
		}
		time.Sleep(5 * time.Millisecond)
	}
	return runsheet.Process{}
}

// writeHolder writes who holds the lock into its file, which is never replaced.
func writeHolder(lock *durable.Lock, p runsheet.Process) error {
	data, err := encode(p)
	if err != nil {
		return err
	}
	if err = lock.File().Truncate(0); err == nil {
		_, err = lock.File().WriteAt(data, 0)
	}
	if err != nil {
		return fmt.Errorf("write the launcher's name: %w", err)
	}
	return nil
}
