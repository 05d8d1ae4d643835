package observe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
)

// Room is what a file system has left.
type Room struct {
	Device uint64 // which one it is
	Dir    string // where it was asked: the work dir, or the nearest directory above it that is there
	Free   int64  // bytes that its user may still write; less than 0: it does not say
}

// Lacks says what is short where less is left than least, in bytes; nothing where the file system does not say what it has.
func (r Room) Lacks(least int64) runsheet.Shortage {
	if r.Free < 0 || r.Free >= least {
		return runsheet.Shortage{}
	}
	return runsheet.Shortage{What: "room in " + r.Dir,
		Why: fmt.Sprintf("%s free, min_free is %s", humanize.IBytes(uint64(r.Free)), humanize.IBytes(uint64(least)))}
}

// Rooms asks the file systems of work dirs what room they have, each once in a round. It is for one goroutine.
type Rooms struct {
	known map[uint64]Room // by device, in this round
}

// NewRooms returns a Rooms that has asked nobody.
func NewRooms() *Rooms { return &Rooms{known: map[uint64]Room{}} }

// Round begins a round: what was seen is forgotten.
func (r *Rooms) Round() { clear(r.known) }

// Of returns what room the file system of a work dir has, which need not be there yet. ok is false where it does not answer.
func (r *Rooms) Of(workDir string) (room Room, ok bool) {
	room, ok = ask(workDir, func() Room { return nearest(workDir) })
	if !ok {
		return room, false
	}
	if known, asked := r.known[room.Device]; asked {
		return known, true
	}
	if room, ok = ask(workDir, room.left); ok {
		r.known[room.Device] = room
	}
	return room, ok
}

// ask asks beside the caller, as every look does.
func ask(workDir string, f func() Room) (room Room, ok bool) {
	room, _, ok = Try(context.Background(), workDir, Patience, func() (room Room) {
		durable.Ask(workDir, func() { room = f() })
		return room
	})
	return room, ok
}

// WaitForRoom gives the pending runs of a sheet a reason, if their file system has less room than `min_free`.
func WaitForRoom(sheet *runsheet.Sheet, runs []runsheet.Observed) {
	if sheet.Policy.MinFree == 0 {
		return
	}
	rooms := NewRooms()
	for i, o := range runs {
		if o.Status != runsheet.Pending || o.Reason != "" {
			continue
		}
		if room, ok := rooms.Of(o.Run.WorkDir); ok {
			if short := room.Lacks(sheet.Policy.MinFree); short.What != "" {
				runs[i].Reason = "waiting for " + short.String()
			}
		}
	}
}

// nearest returns the file system that dir is to lie on, without what is left of it.
func nearest(dir string) Room {
	for {
		var st unix.Stat_t
		err := unix.Stat(dir, &st)
		if err == nil {
			return Room{Device: uint64(st.Dev), Dir: dir, Free: -1}
		}
		if parent := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && parent != dir {
			dir = parent
			continue
		}
		return Room{Dir: dir, Free: -1} // whoever wants to write there will hear why not
	}
}

// left returns the room with what is left of it.
func (r Room) left() Room {
	var st unix.Statfs_t
	err := unix.Statfs(r.Dir, &st)
	for err == unix.EINTR {
		err = unix.Statfs(r.Dir, &st)
	}
	if err == nil && st.Blocks > 0 { // some have no idea how large they are
		r.Free = int64(min(st.Bavail, 1<<40)) * max(st.Frsize, 1)
	}
	return r
}
