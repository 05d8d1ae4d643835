package progress

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// place is where the cache of a work dir lies.
type place struct {
	workDir string
	doc     string // a name that nothing can have, where there is no place
	lock    string // "": nowhere to write
	ours    bool   // in the work dir's own .runsheet
}

// placeOf says where the cache of workDir lies: in its .runsheet, if that is a real directory of this user that nobody
// else can write to; otherwise nothing is written into the work dir, and the cache is the user's own.
func (c *Cache) placeOf(workDir string) place {
	info, err := c.disk.Lstat("progress", record.Dir(workDir))
	if err == nil && info.IsDir() && durable.Own(info) == nil {
		return place{workDir, record.ProgressPath(workDir), record.ProgressLockPath(workDir), true}
	}
	if c.opts.CacheDir == "" || !c.mayKeep(filepath.Dir(c.opts.CacheDir)) || !c.mayKeep(c.opts.CacheDir) {
		return place{workDir: workDir, doc: workDir + "\x00"}
	}
	sum := sha256.Sum256([]byte(filepath.Clean(workDir)))
	base := filepath.Join(c.opts.CacheDir, hex.EncodeToString(sum[:16]))
	return place{workDir, base + ".json", base + ".lock", false}
}

// mayKeep says whether what others make of a directory for caches need not be feared: it is ours, or not there yet. The
// caches of a user may lie where anybody can make a directory first, or on another disk behind a symbolic link.
func (c *Cache) mayKeep(dir string) bool {
	info, err := c.disk.Lstat("progress", dir)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
			return false
		}
		info, err = os.Stat(dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	return err == nil && info.IsDir() && durable.Own(info) == nil
}
