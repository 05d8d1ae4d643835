package progress

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"syscall"

	"runsheet/internal/record"
)

// place is where the cache of a work dir lies.
type place struct {
	workDir string
	doc     string // a name that nothing can have, where there is no place
	lock    string // "": nowhere to write
	ours    bool   // in the work dir's own .runsheet
}

// placeOf says where the cache of workDir lies: in its .runsheet, if that is a real directory of this user; otherwise
// nothing is written into the work dir, and the cache is the user's own.
func (c *Cache) placeOf(workDir string) place {
	info, err := c.disk.Lstat("progress", record.Dir(workDir))
	if err == nil && info.IsDir() {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) == os.Geteuid() {
			return place{workDir, record.ProgressPath(workDir), record.ProgressLockPath(workDir), true}
		}
	}
	if c.opts.CacheDir == "" {
		return place{workDir: workDir, doc: workDir + "\x00"}
	}
	sum := sha256.Sum256([]byte(filepath.Clean(workDir)))
	base := filepath.Join(c.opts.CacheDir, hex.EncodeToString(sum[:16]))
	return place{workDir, base + ".json", base + ".lock", false}
}
