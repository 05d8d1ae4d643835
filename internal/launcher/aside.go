package launcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"runsheet/internal/durable"
	"runsheet/internal/journal"
	"runsheet/internal/record"
)

// setAside moves everything in a run's work dir, but our own directory, into the evidence of an attempt, so that a
// fresh attempt finds the work dir empty. Nothing is ever deleted.
func (l *Launcher) setAside(ctx context.Context, i int, attemptDir string) error {
	workDir, to := l.sheet.Runs[i].WorkDir, record.EvidenceDir(attemptDir)
	moved, err := tried(ctx, l, i, func() (int, error) { return moveAside(l.disk, workDir, to) })
	if err != nil || moved == 0 {
		return err
	}
	ev := l.event(journal.SetAside, i)
	ev.Text = to
	return l.note(ev)
}

// moveAside moves what is in a work dir, and says how much that was.
func moveAside(disk durable.Disk, workDir, to string) (moved int, err error) {
	if err := durable.MkdirAll(disk, "set aside", to, 0o700); err != nil {
		return 0, fmt.Errorf("set the older evidence aside: %w", err)
	}
	entries, err := disk.ReadDir("set aside", workDir)
	if err != nil {
		return 0, fmt.Errorf("set the older evidence aside: %w", err)
	}
	for _, e := range entries {
		if e.Name() == record.DirName {
			continue
		}
		name, err := free(disk, to, e.Name())
		if err == nil {
			err = disk.Rename("set aside", filepath.Join(workDir, e.Name()), name)
		}
		if err != nil {
			return moved, fmt.Errorf("set the older evidence aside: %w", err)
		}
		moved++
	}
	for _, dir := range []string{to, workDir} {
		if err := durable.SyncDir(disk, "set aside", dir); err != nil {
			return moved, err
		}
	}
	return moved, nil
}

// free returns a path in dir that is not taken: name, or name with a number.
func free(disk durable.Disk, dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	for n := 2; ; n++ {
		_, err := disk.Lstat("set aside", path)
		if errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
		if err != nil {
			return "", err
		}
		path = filepath.Join(dir, name+"."+strconv.Itoa(n))
	}
}
