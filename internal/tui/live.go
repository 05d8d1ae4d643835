package tui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"runsheet"
)

const (
	framePause = 100 * time.Millisecond // at least between two pictures: nobody reads faster
	frameRate  = 20                     // how often a second bubbletea looks for a new picture
	patience   = time.Second            // that a terminal gets to take the last picture
	keepEvents = 64                     // more than any view shows
)

// ErrSlow is returned by Run when the terminal did not take the last picture in time, as one that was stopped by Ctrl-S.
var ErrSlow = errors.New("live view: the terminal takes no output")

// Live is a picture on a terminal that is drawn anew when what it shows has changed. It stays within the terminal's own
// history: no alternate screen, and the last picture stays when it ends. Its methods may be called from any goroutine.
type Live struct {
	out    *os.File
	colour bool
	draw   func(Frame) string

	mu       sync.Mutex
	snapshot runsheet.Snapshot
	events   []Event
	running  bool

	changed  chan struct{} // holds one: there is something new to draw
	quit     chan struct{} // closed by Close
	quitOnce sync.Once
	done     chan struct{} // closed when Run has ended
}

// New returns a Live that draws View on the terminal out.
func New(out *os.File, colour bool) *Live { return newLive(out, colour, View) }

// NewWatch returns a Live that draws Table on the terminal out.
func NewWatch(out *os.File, colour bool) *Live { return newLive(out, colour, Table) }

func newLive(out *os.File, colour bool, draw func(Frame) string) *Live {
	return &Live{
		out: out, colour: colour, draw: draw,
		changed: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
}

// Show has a snapshot shown. It never waits; a snapshot that is followed by a newer one at once may never be seen. The
// snapshot must not be changed afterwards.
func (l *Live) Show(s runsheet.Snapshot) {
	l.mu.Lock()
	l.snapshot = s
	l.mu.Unlock()
	l.wake()
}

// Event has an event shown below the snapshot. It never waits.
func (l *Live) Event(e Event) {
	l.mu.Lock()
	l.events = append(l.events, e)
	if n := len(l.events) - keepEvents; n > 0 {
		l.events = slices.Delete(l.events, 0, n)
	}
	l.mu.Unlock()
	l.wake()
}

func (l *Live) wake() {
	select {
	case l.changed <- struct{}{}:
	default: // one is due already, and will show this as well
	}
}

// Close ends Run after a last picture, and waits until it has ended. It waits no longer than a second for a terminal that
// takes no output. Calling it twice, or without Run, is fine.
func (l *Live) Close() {
	l.mu.Lock()
	l.quitOnce.Do(func() { close(l.quit) })
	running := l.running
	l.mu.Unlock()
	if running {
		<-l.done
	}
}

// Run draws until ctx is done or Close is called, and then a last time. It may be called once. It returns ErrSlow where
// the terminal did not take the last picture, and an error where out is no terminal.
func (l *Live) Run(ctx context.Context) error {
	if ok, err := l.begin(); !ok {
		return err
	}
	defer close(l.done)

	profile := colorprofile.ASCII
	if l.colour {
		profile = colorprofile.ANSI
	}
	// The size is asked for before anything is drawn, so that there is a picture even where Close follows at once.
	width, height, err := term.GetSize(int(l.out.Fd()))
	if err != nil {
		return fmt.Errorf("live view: %s: %w", l.out.Name(), err)
	}
	program := tea.NewProgram(model{live: l}.sized(width, height),
		tea.WithOutput(modeless{l.out}),
		tea.WithInput(nil), // no keys, so no raw mode: Ctrl-C and Ctrl-Z do what they always do
		tea.WithoutSignalHandler(),
		tea.WithFPS(frameRate),
		tea.WithColorProfile(profile), // otherwise it would run tmux to find out
	)
	ended := make(chan error, 1)
	go func() {
		_, err := program.Run()
		ended <- err
	}()
	stop := make(chan struct{})
	go l.pump(program, stop)
	select {
	case <-ctx.Done():
	case <-l.quit:
	case err := <-ended: // it broke
		close(stop)
		return err
	}
	close(stop)
	go program.Quit() // waits as long as the terminal makes the program wait
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		return ErrSlow
	}
}

// modeless is a terminal whose mode for pasted text is never set. No picture of ours asks for it, but bubbletea does by
// itself where its clock strikes before the first picture is there, as on a busy machine; and whatever kills the process
// then leaves the mode behind.
type modeless struct{ *os.File }

func (m modeless) Write(p []byte) (int, error) {
	if !bytes.Contains(p, pasteMode) {
		return m.File.Write(p)
	}
	if _, err := m.File.Write(bytes.ReplaceAll(p, pasteMode, nil)); err != nil {
		return 0, err
	}
	return len(p), nil
}

var pasteMode = []byte(ansi.SetModeBracketedPaste)

// begin says whether Run is to draw: not a second time, and not after a Close.
func (l *Live) begin() (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.quit:
		return false, nil
	default:
	}
	if l.running {
		return false, errors.New("live view: run twice")
	}
	l.running = true
	return true, nil
}

// pump passes on that there is something new, as fast as the terminal can take it but no faster than anyone can read.
func (l *Live) pump(program *tea.Program, stop <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-stop:
			return
		case <-timer.C:
		}
		select {
		case <-stop:
			return
		case <-l.changed:
			program.Send(redraw{})
			timer.Reset(framePause)
		}
	}
}

// redraw tells the model that there is something new.
type redraw struct{}

// model is the state of the picture: the size of the terminal. What it shows it takes from Live when it is drawn, so that
// it is always the latest.
type model struct {
	live          *Live
	width, height int
}

// Init implements tea.Model.
func (m model) Init() tea.Cmd { return nil }

// Update implements tea.Model.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if size, ok := msg.(tea.WindowSizeMsg); ok {
		m = m.sized(size.Width, size.Height)
	}
	return m, nil
}

// sized takes in the size of the terminal; one that does not know its own is taken for a usual one.
func (m model) sized(width, height int) model {
	m.width, m.height = width, height
	if width <= 0 {
		m.width = 80
	}
	if height <= 0 {
		m.height = 24
	}
	return m
}

// View implements tea.Model.
func (m model) View() tea.View {
	l := m.live
	l.mu.Lock()
	f := Frame{Snapshot: l.snapshot, Events: slices.Clone(l.events), Width: m.width, Height: m.height, Colour: l.colour}
	l.mu.Unlock()
	text := l.draw(f) + "\n"
	// The cursor stays visible, on the empty line below the picture, and no mode is set: whatever ends this process, even
	// without a word, leaves a terminal that works, and what is printed next stands below the picture.
	v := tea.NewView(text)
	v.DisableBracketedPasteMode = true
	v.Cursor = tea.NewCursor(0, strings.Count(text, "\n"))
	return v
}
