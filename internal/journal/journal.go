// Package journal is the append-only record of what the launcher did and saw: one JSON object a line, durable once
// Append returns. It has one writer, the launcher that holds the sheet's lock; anybody may read it at any time. A torn
// last line, as a crash leaves it, was never acknowledged: readers pass it over, and the next writer seals it.
//
// The package never decides anything; what the events amount to is the launcher's business.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"runsheet"
	"runsheet/internal/durable"
)

// Kind says what happened.
type Kind string

// The kinds of events.
const (
	LauncherStarted Kind = "launcher_started" // Session, Process, Text: how it was called
	LauncherEnded   Kind = "launcher_ended"   // Text: how it ended
	SheetChanged    Kind = "sheet_changed"    // the file is not what was read any more
	SetupRan        Kind = "setup"            // Text: what came of it
	Claimed         Kind = "claim"            // Run, Attempt, Nonce, WorkDir, Host, Devices, Batch, Task
	Began           Kind = "start"            // Run, Attempt, Nonce, Process: the supervisor
	Adopted         Kind = "adopt"            // an attempt that an earlier launcher started; as Began
	Stopping        Kind = "stopping"         // the supervisor was asked to end it; Text: why
	Ended           Kind = "end"              // Run, Attempt, Nonce, End, Cause, Counts
	Requested       Kind = "request"          // a person's stop or retry was seen; Text: which
	GaveUp          Kind = "give_up"          // no further attempt in this session; Text: why
	SetAside        Kind = "set_aside"        // older evidence was moved into the attempt's directory
	Trouble         Kind = "trouble"          // something of ours failed and will be tried again; Text
	Waiting         Kind = "waiting"          // never written, only told: an attempt that began stands or is queued again, or may live; Text: why
	Queue           Kind = "queue"            // never written, only told: what happened in a scheduler's queue; Text
	Sealed          Kind = "sealed"           // the line before is torn: a crash cut it, and nobody was told of it
)

// Known says whether this version knows what the kind means.
func (k Kind) Known() bool {
	switch k {
	case LauncherStarted, LauncherEnded, SheetChanged, SetupRan, Claimed, Began, Adopted, Stopping, Ended, Requested, GaveUp, SetAside,
		Trouble, Sealed:
		return true
	}
	return false
}

// Event is one line of the journal. Which fields are set depends on the kind.
type Event struct {
	At      time.Time         `json:"at"`
	Kind    Kind              `json:"event"`
	Session string            `json:"session,omitempty"`
	Run     string            `json:"run,omitempty"`
	Attempt int               `json:"attempt,omitzero"`
	Nonce   string            `json:"nonce,omitempty"`
	WorkDir string            `json:"work_dir,omitempty"`
	Host    string            `json:"host,omitempty"`
	Devices []string          `json:"devices,omitempty"`
	Batch   string            `json:"batch,omitempty"`
	Task    int               `json:"task,omitzero"`
	Process *runsheet.Process `json:"process,omitempty"`
	Group   int               `json:"process_group,omitzero"`
	Request int               `json:"request,omitzero"` // the number of a person's request
	End     runsheet.EndKind  `json:"end,omitempty"`
	OK      bool              `json:"ok,omitzero"`    // the work was complete at that end
	Again   bool              `json:"again,omitzero"` // of a claim: the attempt before it failed, and this journal does not know that
	Early   bool              `json:"early,omitzero"` // the attempt was claimed in an earlier session: it uses up no retry of this one
	Cause   runsheet.Cause    `json:"cause,omitzero"`
	Reached int64             `json:"reached,omitzero"` // how much of the work was done at that end, in the tracker's unit
	Text    string            `json:"text,omitempty"`

	Next *runsheet.Next `json:"-"` // of an end, never written, only told: the try that is to follow
}

// maxJournal bounds what is read of a journal, in bytes.
const maxJournal = 1 << 30

// Writer appends to a journal. It is safe for use by several goroutines.
type Writer struct {
	mu   sync.Mutex
	file durable.File
	size int64  // bytes that count: those at the opening, and all that was acknowledged since
	left []byte // of an append that failed; some of them may stand behind size
	torn bool   // at the opening, the file ended in the middle of a line
}

// Open opens the journal for appending, making it where it is missing, and seals a torn last line. The caller must
// hold the sheet.
func Open(disk durable.Disk, dir, path string) (*Writer, error) {
	f, err := durable.OpenOwn(disk, "journal", path, os.O_RDWR|os.O_APPEND)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	w := &Writer{file: f}
	info, err := f.Stat()
	switch {
	case err == nil && info.Size() > 0:
		var last []byte
		if last, err = lastLine(f, info.Size()); err == nil {
			_, perr := parseLine(last)
			w.torn = perr != nil || last[len(last)-1] != '\n'
		}
	}
	if err == nil {
		err = durable.SyncDir(disk, "journal", dir)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open the journal %s: %w", path, err)
	}
	w.size = info.Size()
	return w, nil
}

// lastLine reads the last line of a file of size bytes, at least 1; its newline is part of it.
func lastLine(f durable.File, size int64) ([]byte, error) {
	for room := int64(64 << 10); ; room *= 2 {
		buf := make([]byte, min(room, size))
		if _, err := f.ReadAt(buf, size-int64(len(buf))); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if i := bytes.LastIndexByte(buf[:len(buf)-1], '\n'); i >= 0 {
			return buf[i+1:], nil
		}
		if int64(len(buf)) == size {
			return buf, nil
		}
	}
}

// Append writes an event; after nil it survives a power cut. After an error it may or may not be there, until the next
// append takes away what there is of it: so an event that is appended again, once a full disk has room, is there once.
func (w *Writer) Append(e Event) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.torn {
		seal, err := json.Marshal(Event{At: e.At, Kind: Sealed})
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		// On disk before the line that follows: a crash may bring the end of a write to the disk and not its beginning.
		if err := w.write(append(append([]byte{'\n'}, seal...), '\n')); err != nil {
			return err
		}
		w.torn = false
	}
	return w.write(append(line, '\n'))
}

// write appends text, durably.
func (w *Writer) write(text []byte) error {
	err := w.takeBack()
	if err == nil {
		w.left = text
		_, err = w.file.Write(text)
	}
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("journal %s: %w", w.file.Name(), err)
	}
	w.left = nil
	w.size += int64(len(text))
	return nil
}

// takeBack cuts off what a failed append left behind. It was never acknowledged; and where only its fsync failed, it stands
// in memory, and nobody knows whether it will ever be on the disk. What somebody else wrote is not ours to cut.
func (w *Writer) takeBack() error {
	if w.left == nil {
		return nil
	}
	info, err := w.file.Stat()
	if err != nil {
		return err
	}
	if n := info.Size() - w.size; n > 0 {
		tail := make([]byte, min(n, int64(len(w.left))))
		if _, err := w.file.ReadAt(tail, w.size); err != nil {
			return err
		}
		for i, b := range tail {
			if n > int64(len(w.left)) || b != w.left[i] && b != 0 { // a file system may have kept its place, and not its bytes
				return errForeign
			}
		}
		if err := w.file.Truncate(w.size); err != nil {
			return err
		}
	}
	w.left = nil
	return nil
}

// errForeign: the journal has more than its one writer wrote.
var errForeign = errors.New("somebody else has written to it")

// Close closes the journal; everything acknowledged is on disk already.
func (w *Writer) Close() error { return w.file.Close() }

// Read returns the events of a journal, oldest first; a missing journal has none. Lines that do not parse are passed
// over where they are the last ones or are sealed by the next; any other is damage, and the error names it.
func Read(disk durable.Disk, path string) ([]Event, error) {
	data, _, err := durable.Read(disk, "journal", path, maxJournal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	events, err := Parse(data)
	if err != nil {
		return events, fmt.Errorf("%s: %w", path, err)
	}
	return events, nil
}

// Parse parses the text of a journal; see Read.
func Parse(data []byte) ([]Event, error) {
	var events []Event
	var bad error // the first of lines that must be sealed by the next one
	r := bytes.NewBuffer(data)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			// What has no newline yet was never acknowledged. Nor was a last line that does not parse: a crash brought its
			// end to the disk and not its beginning.
			return events, nil
		}
		e, perr := parseLine(line)
		switch {
		case bad != nil && perr == nil && e.Kind != Sealed:
			return events, bad
		case bad != nil && perr != nil: // who was about to seal it was cut off as well
		case perr != nil:
			bad = durable.WithHint(fmt.Errorf("damaged journal: line %d, beginning %.40q: %w", n, line, perr),
				"nothing that runsheet does leaves such a line; restore the file, or move it away: the records in the work dirs still hold")
		case e.Kind == Sealed && bad != nil:
			bad = nil
		case e.Kind == Sealed: // only the newline was missing: nobody was told of that line either
			events = events[:max(len(events)-1, 0)]
		default:
			events = append(events, e)
		}
	}
}

// Unsealed returns the last complete line in the end of a journal's text where it is no event: a crash left it, and
// nobody has sealed it yet, or somebody wrote into the journal. nil: it is one.
func Unsealed(tail []byte) []byte {
	end := bytes.LastIndexByte(tail, '\n') // what follows is about to be written, or was cut
	if end < 0 {
		return nil
	}
	line := tail[bytes.LastIndexByte(tail[:end], '\n')+1 : end]
	if _, err := parseLine(line); err == nil {
		return nil
	}
	return line
}

// parseLine parses one line.
func parseLine(line []byte) (Event, error) {
	var e Event
	err := json.Unmarshal(line, &e)
	if err == nil && e.Kind == "" {
		err = errors.New("no event")
	}
	return e, err
}
