package nfs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// mounted is where a client has the server's disk.
const mounted = "/mnt"

// request is what a client is told to do.
type request struct {
	Do      string
	WorkDir string `json:",omitempty"`
	Attempt int    `json:",omitempty"`
	// For "join":
	Host, Interface, Version string
	Own, Server              netip.Addr
}

// reply is what came of it.
type reply struct {
	Err     string `json:",omitempty"`
	Retries int    `json:",omitempty"`
	// What the client saw, or did.
	Attempt int
	Nonce   string // of its claim
	Begun   bool
	Ended   string // who wrote the end; "": it has none
	Won     bool
}

// client is the process of one client, in network, mount and UTS namespaces of its own.
func client(in io.Reader, out io.Writer) error {
	c := &clerk{sys: record.NewSystem(durable.OS())}
	lines, answers := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	for {
		var q request
		if err := lines.Decode(&q); err != nil {
			return nil // it is no longer needed
		}
		r, err := c.patiently(q)
		if err != nil {
			r.Err = err.Error()
		}
		if err := answers.Encode(r); err != nil {
			return err
		}
	}
}

// clerk does what launchers and supervisors do.
type clerk struct {
	sys  record.System
	seen record.View // by the last look
}

// passing are errors of a network file system after which one looks again.
var passing = []error{unix.ESTALE, unix.EBADF, unix.EIO, unix.ENOENT, unix.EAGAIN, record.ErrLive}

const mostRetries = 100

// patiently does a request again as long as what is in its way may pass.
func (c *clerk) patiently(q request) (r reply, err error) {
	for n := range mostRetries {
		r, err = c.do(q)
		r.Retries = n
		again := false
		for _, p := range passing {
			again = again || errors.Is(err, p)
		}
		if !again {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return r, err
}

func (c *clerk) do(q request) (reply, error) {
	dir := record.AttemptDir(q.WorkDir, q.Attempt)
	switch q.Do {
	case "join":
		return reply{}, join(q)
	case "leave":
		return reply{}, unix.Unmount(mounted, 0)
	case "look":
		v, err := record.Look(c.sys, q.WorkDir)
		c.seen = v
		return told(v), err
	case "claim":
		return c.claim(q.WorkDir)
	case "run":
		return reply{}, c.run(dir)
	case "take over":
		e, err := record.TakeOver(context.Background(), c.sys, dir, record.Heir{})
		return reply{Nonce: e.Nonce, Ended: writer(e), Won: e.By == c.sys.Procs.Self()}, err
	}
	return reply{}, fmt.Errorf("no such request: %q", q.Do)
}

// told is what a client tells of what it saw.
func told(v record.View) reply {
	r := reply{Attempt: v.Attempt, Begun: v.Start != nil}
	if v.Claim != nil {
		r.Nonce = v.Claim.Nonce
	}
	if v.End != nil {
		r.Ended = writer(*v.End)
	}
	return r
}

// writer tells the ends apart.
func writer(e runsheet.End) string {
	return fmt.Sprintf("%s of process %d at %d", e.Kind, e.By.PID, e.At.UnixNano())
}

// claim claims the attempt after what the last look showed.
func (c *clerk) claim(workDir string) (reply, error) {
	v := c.seen
	f := runsheet.Facts{Attempt: v.Attempt, Claim: v.Claim, Start: v.Start, End: v.End, Request: v.Request}
	got, err := record.Claim(c.sys, f, 0, runsheet.Claim{Run: filepath.Base(workDir), Nonce: record.NewNonce(), Session: "prove",
		Sheet: "sheet.yaml", Executor: "local", Host: "here", Identity: "true", Command: "true", WorkDir: workDir, Dir: workDir,
		Progress: runsheet.ProgressSpec{Tracker: "auto"}, StopGrace: time.Second})
	if errors.Is(err, record.ErrTaken) {
		return reply{Attempt: got.Attempt}, nil
	}
	return reply{Attempt: got.Attempt, Nonce: got.Nonce, Won: err == nil}, err
}

// run is the life of a supervisor.
func (c *clerk) run(dir string) error {
	t, err := record.Take(c.sys, dir)
	if err != nil {
		return err
	}
	if err := t.Begin(0); err != nil {
		t.Leave()
		return err
	}
	code := 0
	for range mostRetries {
		if err = t.End(runsheet.End{Kind: runsheet.EndExit, ExitCode: &code, At: time.Now()}); err == nil {
			return nil
		}
		if errors.Is(err, record.ErrOver) {
			return err
		}
		time.Sleep(20 * time.Millisecond) // as a supervisor does: the lock is held until it is durable
	}
	t.Leave()
	return err
}

// join makes this process a machine of its own, and mounts the server.
func join(q request) error {
	if err := unix.Sethostname([]byte(q.Host)); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := up("lo", netip.MustParseAddr("127.0.0.1")); err != nil {
		return err
	}
	if err := up(q.Interface, q.Own); err != nil {
		return err
	}
	options := fmt.Sprintf("vers=%s,addr=%s,proto=tcp,port=2049,sec=sys", q.Version, q.Server)
	if q.Version == "3" {
		options += fmt.Sprintf(",nolock,mountaddr=%s,mountport=%d,mountproto=tcp,mountvers=3", q.Server, mountPort)
	} else {
		options += fmt.Sprintf(",clientaddr=%s", q.Own)
	}
	source := q.Server.String() + ":/"
	if q.Version == "3" {
		source = q.Server.String() + ":" + exported
	}
	if err := unix.Mount(source, mounted, "nfs", 0, options); err != nil {
		return fmt.Errorf("mount %s with %s: %w", source, options, err)
	}
	kind, err := durable.FileSystemOf(mounted)
	if err == nil && kind.Name != "nfs" {
		err = fmt.Errorf("%s is %s", mounted, kind.Name)
	}
	return err
}
