package launcher

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"time"

	"runsheet/internal/durable"
	"runsheet/internal/journal"
)

// maxSheet is the largest sheet that is read to see whether it changed, in bytes.
const maxSheet = 64 << 20

// sheetFile is the sheet's file as it was seen last: a launcher reads its sheet once, and says when it has changed.
type sheetFile struct {
	stamp time.Time
	size  int64
	said  bool
}

// watchSheet says, once, that the sheet is not what was read any more.
func (l *Launcher) watchSheet() error {
	if l.file.said {
		return nil
	}
	text := "the sheet was removed; this launcher goes on with what it read"
	info, err := l.disk.Lstat("sheet", l.sheet.Path)
	switch {
	case err == nil && info.ModTime().Equal(l.file.stamp) && info.Size() == l.file.size:
		return nil
	case err == nil:
		l.file.stamp, l.file.size = info.ModTime(), info.Size()
		data, _, err := durable.Read(l.disk, "sheet", l.sheet.Path, maxSheet)
		if err != nil {
			return nil // it is being replaced: the stamp will be another one
		}
		sum := sha256.Sum256(data)
		if hex.EncodeToString(sum[:]) == l.sheet.Digest {
			return nil
		}
		text = "the sheet has changed since; this launcher goes on with what it read: interrupt it and run again to use the new one"
	case !errors.Is(err, fs.ErrNotExist):
		return nil
	}
	l.file.said = true
	return l.note(journal.Event{Kind: journal.SheetChanged, Text: text})
}
