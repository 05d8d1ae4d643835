// Package images takes crash images: the file system under running writers is cloned at one instant, the clone is mounted
// as after a power cut, and everything that had been acknowledged by then must be there, whole.
//
// The writers are processes that claim, start, end, take over, ask, journal, replace and refresh through the packages that
// run in production, on ext4 and on XFS. Each tells its parent of a fact after the call that made it durable returned;
// what the parent had read when the clone began is what the clone must hold. A clone (FICLONE) holds every block that was
// handed to the disk, flushed or not: it is what a kernel crash leaves behind, not what a disk that reorders writes does.
//
// Nothing of it is seen outside: file systems are mounted in mount namespaces of its own, on loop devices that the kernel
// frees with them. It changes no production code, and it needs root.
package images

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/prove/method"
)

const name = "images"

// The roles of the processes of this method: the first argument of a worker.
const (
	directRole = "direct" // leads the others, in a mount namespace
	writeRole  = "write"
	verifyRole = "verify" // mounts one clone, in a mount namespace, and looks
)

// Method returns the method.
func Method() method.Method {
	return method.Method{
		Name:   name,
		Does:   "crash images of ext4 and XFS under writers: nothing acknowledged missing, nothing torn, check passes",
		Run:    run,
		Worker: work,
		Limit:  40 * time.Second,
	}
}

func work(args []string) int {
	var err error
	switch {
	case len(args) == 1 && args[0] == directRole:
		err = serve(direct)
	case len(args) == 1 && args[0] == verifyRole:
		err = serve(verify)
	case len(args) == 1 && args[0] == writeRole:
		err = write(os.Stdin, os.Stdout)
	default:
		err = fmt.Errorf("no such role: %q", args)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "images %q: %v\n", args, err)
		return 1
	}
	return 0
}

// orders are what the director is told.
type orders struct {
	Dir   string
	Seed  uint64
	Count int64 // images of each file system
}

// run starts the director in a mount namespace, so that whatever it mounts is gone when the last of its processes is.
func run(ctx context.Context, c method.Config) (method.Result, error) {
	var result method.Result
	if why := impossible(); why != "" {
		result.LeftOut = why
		return result, nil
	}
	if err := install(ctx, c.Say); err != nil {
		result.LeftOut = err.Error()
		return result, nil
	}
	err := ask(ctx, directRole, orders{c.Dir, c.Seed, c.N(20, 120, 1000)}, &result, c.Say)
	return result, err
}

// ask runs a role in a process with a mount namespace of its own: orders go in as one JSON line, lines of its standard
// error go to say, and its answer comes back as JSON. The process ends when its standard input does.
func ask(ctx context.Context, role string, orders, answer any, say func(string, ...any)) error {
	line, err := json.Marshal(orders)
	if err != nil {
		return err
	}
	cmd := method.Command(ctx, name, role)
	cmd.SysProcAttr = &unix.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = nil
	errs, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", role, err)
	}
	_, werr := in.Write(append(line, '\n'))
	last := ""
	for lines := bufio.NewScanner(errs); lines.Scan(); {
		last = lines.Text()
		say("%s", last)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("%s: %w: %s", role, err, last))
	}
	if werr != nil {
		return werr
	}
	return json.Unmarshal(out.Bytes(), answer)
}

// serve is the other side of ask.
func serve[O, A any](do func(ctx context.Context, o O, say func(string, ...any)) (A, error)) error {
	ctx, cancel := terminated()
	defer cancel()
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	var o O
	if err := json.Unmarshal(line, &o); err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, in) // until whoever asked is gone
		cancel()
	}()
	answer, err := do(ctx, o, func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) })
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}
