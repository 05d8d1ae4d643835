package launcher

import (
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
func (l *Launcher) setAside(i int, attemptDir string) error {
	workDir, to := l.sheet.Runs[i].WorkDir, record.EvidenceDir(attemptDir)
	if err := l.sys.FS.Private("set aside", to, true); err != nil {
		return fmt.Errorf("set the older evidence aside: %w", err)
	}
	entries, err := l.disk.ReadDir("set aside", workDir)
	if err != nil {
		return fmt.Errorf("set the older evidence aside: %w", err)
	}
	moved := 0
	for _, e := range entries {
		if e.Name() == record.DirName {
			continue
		}
		name, err := free(l.disk, to, e.Name())
		if err == nil {
			err = l.disk.Rename("set aside", filepath.Join(workDir, e.Name()), name)
		}
		if err != nil {
			return fmt.Errorf("set the older evidence aside: %w", err)
		}
		moved++
	}
	for _, dir := range []string{to, workDir} {
		if err := durable.SyncDir(l.disk, "set aside", dir); err != nil {
			return err
		}
	}
	if moved == 0 {
		return nil
	}
	ev := l.event(journal.SetAside, i)
	ev.Text = to
	return l.note(ev)
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
