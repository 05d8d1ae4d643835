package observe

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"

	"runsheet"
)

const (
	roomWithin = 2 * time.Second // how long file systems are waited for in a round that are asked what room they have
	roomMost   = 4               // so many questions wait for an answer: each holds a thread
)

// Room is what a file system has left.
type Room struct {
	Device uint64 // which one it is
	Dir    string // where it was asked: the work dir, or the nearest directory above it that is there
	Free   int64  // bytes that its user may still write; less than 0: it does not say
}

// Lacks says what is missing where less is left than there must be, in bytes; "" where there is enough.
func (r Room) Lacks(least int64) runsheet.Shortage {
	if r.Free < 0 || r.Free >= least {
		return runsheet.Shortage{}
	}
	return runsheet.Shortage{What: "room in " + r.Dir,
		Why: fmt.Sprintf("%s free, min_free is %s", humanize.IBytes(uint64(r.Free)), humanize.IBytes(uint64(least)))}
}

// Rooms asks the file systems of work dirs what room they have: each once in a round, and beside the caller, whom one that
// hangs does not hold up. It is for one goroutine.
type Rooms struct {
	known  map[uint64]Room      // by device, in this round
	asked  map[string]chan Room // by the directory of the work dirs: who has not answered yet
	waited time.Duration        // in this round
}

// NewRooms returns a Rooms that has asked nobody.
func NewRooms() *Rooms { return &Rooms{known: map[uint64]Room{}, asked: map[string]chan Room{}} }

// Round begins a round: what was seen is forgotten.
func (r *Rooms) Round() {
	clear(r.known)
	r.waited = 0
}

// Of returns what room the file system of a work dir has, which need not be there yet. ok is false where it does not answer.
func (r *Rooms) Of(workDir string) (room Room, ok bool) {
	above := filepath.Dir(workDir)
	room, ok = r.answer(above, func() Room { return nearest(workDir) })
	if !ok {
		return room, false
	}
	if known, asked := r.known[room.Device]; asked {
		return known, true
	}
	if room, ok = r.answer(above, room.ask); ok {
		r.known[room.Device] = room
	}
	return room, ok
}

// answer asks beside the caller, unless the last question about this directory has no answer yet, and waits for the
// answer as long as this round may wait.
func (r *Rooms) answer(above string, ask func() Room) (room Room, ok bool) {
	answer, late := r.asked[above]
	switch {
	case !late && len(r.asked) >= roomMost:
		return Room{Free: -1}, true // nobody can be asked now; whoever wants to write there will hear why not
	case !late:
		answer = make(chan Room, 1)
		r.asked[above] = answer
		go func() { answer <- ask() }()
	}
	began := time.Now()
	timer := time.NewTimer(max(roomWithin-r.waited, time.Millisecond))
	defer timer.Stop()
	select {
	case room = <-answer:
		delete(r.asked, above)
		ok = true
	case <-timer.C:
	}
	r.waited += time.Since(began)
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

// ask returns the room with what is left of it.
func (r Room) ask() Room {
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
