// Package nfs has two clients of a real NFS server claim, begin and end the attempts of the same runs, through the
// packages that run in production: over v3 and v4.2, with distinct host names and with one that both have. With that last
// setting the server takes them for one client that was booted again, and grants both the same lock.
//
// Server and clients are network namespaces of a virtual machine, which runs a Debian kernel under software emulation; its
// only program is this one, started as init. Nothing of the machine that it runs on is touched, no network is reached but
// the package registry, and no privilege is needed but for installing what is missing.
//
// It models no crash of the server and no lost packet.
package nfs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"runsheet/internal/prove/method"
)

const name = "nfs"

// The roles of the processes of this method, all inside the virtual machine.
const (
	initRole   = "init"
	clientRole = "client"
)

// Method returns the method.
func Method() method.Method {
	return method.Method{
		Name:   name,
		Does:   "claims and ends from two clients of a real NFS server: one winner each, and nothing acknowledged lost",
		Run:    run,
		Worker: work,
		Limit:  3 * time.Minute,
	}
}

func work(args []string) int {
	switch {
	case len(args) == 3 && args[0] == initRole:
		boot(args[1], args[2]) // restarts the machine, which ends it
		return 1
	case len(args) == 1 && args[0] == clientRole:
		if err := client(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "nfs client: %v\n", err)
			return 1
		}
		return 0
	}
	fmt.Fprintf(os.Stderr, "nfs: no such role: %q\n", args)
	return 1
}

// setting is a way in which clients use a server.
type setting struct {
	Version string // "3" or "4.2"
	Equal   bool   // both clients have one host name
}

func (s setting) String() string {
	if s.Equal {
		return "v" + s.Version + ", equal host names"
	}
	return "v" + s.Version + ", distinct host names"
}

func settings() []setting {
	return []setting{{"3", false}, {"3", true}, {"4.2", false}, {"4.2", true}}
}

// outcome is what came of one setting.
type outcome struct {
	Setting      setting
	Rounds       int
	Conflicts    int // claims and takeovers that both tried and one lost
	Acknowledged int // facts that were looked up on the server's disk at the end
	Stale        int // looks at records that the client was shown as they were before
	Retries      int // errors such as ESTALE, after which the client looked again
	Wrong        []string
}

// The prefixes of what the virtual machine says on its console.
const (
	outcomeMark = "PROVE-OUTCOME "
	failedMark  = "PROVE-FAILED "
	overMark    = "PROVE-OVER"
)

func run(ctx context.Context, c method.Config) (method.Result, error) {
	var result method.Result
	tools, err := prepare(ctx, c.Dir, c.Say)
	if err != nil {
		result.LeftOut = err.Error()
		return result, ctx.Err()
	}
	self, err := os.Executable()
	if err != nil {
		return result, err
	}
	if err := static(self); err != nil {
		return result, err
	}
	initrd, disk := filepath.Join(c.Dir, "initrd"), filepath.Join(c.Dir, "disk")
	if err := tools.initramfs(initrd, self); err != nil {
		return result, fmt.Errorf("make the initramfs: %w", err)
	}
	if err := tools.disk(ctx, disk); err != nil {
		return result, err
	}
	rounds := c.N(6, 40, 400)
	outcomes, err := tools.machine(ctx, initrd, disk, fmt.Sprintf("worker %s %s %d %d", name, initRole, rounds, c.Seed), c.Say)
	for _, o := range outcomes {
		result.Figure(o.Setting.String(), fmt.Sprintf("%d rounds, %d conflicts, %d facts on the server's disk, %d stale looks, %d retries",
			o.Rounds, o.Conflicts, o.Acknowledged, o.Stale, o.Retries))
		for _, w := range o.Wrong {
			result.Violate("%s: %s", o.Setting, w)
		}
	}
	if err == nil && len(outcomes) != len(settings()) {
		err = fmt.Errorf("the virtual machine told of %d settings, not of %d", len(outcomes), len(settings()))
	}
	return result, err
}

// static makes sure that a binary runs where there is no library.
func static(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if dynamic(f) {
		return errors.New("this program is not static, so it cannot run in the virtual machine: build it with CGO_ENABLED=0, as scripts/prove does")
	}
	return nil
}

// machine boots the virtual machine, and returns what it told until it ended itself.
func (t tools) machine(ctx context.Context, initrd, disk, args string, say func(string, ...any)) (outcomes []outcome, err error) {
	cmd := exec.CommandContext(ctx, t.qemu, "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "768", "-smp", "2", "-nodefaults", "-no-user-config",
		"-display", "none", "-monitor", "none", "-no-reboot", "-serial", "stdio", "-kernel", t.kernel, "-initrd", initrd,
		"-drive", "file="+disk+",if=virtio,format=raw,cache=unsafe",
		"-append", "console=ttyS0 loglevel=4 panic=-1 mitigations=off rdinit=/init -- "+args)
	cmd.WaitDelay = 10 * time.Second
	// It dies with this process, in whatever way; the signal comes when the thread that started it is gone.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	over := false
	var last []string
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if text, ok := strings.CutPrefix(line, outcomeMark); ok {
			var o outcome
			if err = json.Unmarshal([]byte(text), &o); err != nil {
				break
			}
			outcomes = append(outcomes, o)
		}
		if text, ok := strings.CutPrefix(line, failedMark); ok {
			err = errors.New(text)
		}
		over = over || strings.HasPrefix(line, overMark)
		last = append(last, line)
		last = last[max(0, len(last)-8):]
		say("%s", line)
	}
	if werr := cmd.Wait(); err == nil && !over {
		err = errors.Join(ctx.Err(), fmt.Errorf("the virtual machine ended before its time: %v: %q", werr, last))
	}
	return outcomes, err
}
