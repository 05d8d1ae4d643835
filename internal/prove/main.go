// Command prove looks for what must never happen (docs/proof.md): it runs the methods of the proof, prints a table of
// figures with the seed of each, and exits with 1 at the first violation, with 2 where a method could not do its work
// or was called off, with 64 where the command line is wrong.
// scripts/prove builds and calls it.
package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/prove/method"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == method.WorkerVerb {
		for _, m := range methods() {
			if m.Name == os.Args[2] && m.Worker != nil {
				os.Exit(m.Worker(os.Args[3:]))
			}
		}
		fmt.Fprintf(os.Stderr, "prove: there is no worker %q\n", os.Args[2])
		os.Exit(2)
	}
	os.Exit(run())
}

// done is a method and what came of it.
type done struct {
	method.Method
	method.Result
	seed uint64
	took time.Duration
	err  error
	// interrupted: somebody called it off, so that it has no verdict: its processes may have been ended under it.
	interrupted bool
}

func run() int {
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "prove: %v\n", err)
		return exitUsage
	}
	if o.list {
		for _, m := range methods() {
			fmt.Printf("%-12s %s\n", m.Name, m.Does)
		}
		return 0
	}
	ctx, cancel := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer cancel()
	go orphaned(ctx, cancel)
	if o.runsheet != "" {
		if err := usable(ctx, o.runsheet); err != nil {
			fmt.Fprintf(os.Stderr, "prove: %v\n", err)
			return 2
		}
	}
	var results []done
	for i, m := range o.methods {
		if ctx.Err() != nil {
			break
		}
		d := done{Method: m, seed: o.seed + uint64(i)}
		if o.seed == 0 {
			d.seed = rand.Uint64N(1 << 32)
		}
		fmt.Fprintf(os.Stderr, "== %s, seed %d\n", m.Name, d.seed)
		d.do(ctx, o)
		results = append(results, d)
		if d.err != nil || len(d.Violations) > 0 || d.interrupted {
			break
		}
	}
	code := table(results)
	if ctx.Err() != nil {
		code = 2
	}
	return code
}

// heardLate is how long after the end of a method a signal is waited for that its processes may have heard of first.
const heardLate = 200 * time.Millisecond

// do runs the method.
func (d *done) do(ctx context.Context, o options) {
	began := time.Now()
	d.Result, d.err = one(ctx, d.Method, method.Config{Size: o.size, Seed: d.seed, Count: o.count, Runsheet: o.runsheet,
		Say: func(format string, args ...any) {
			if o.verbose {
				fmt.Fprintf(os.Stderr, "   "+format+"\n", args...)
			}
		}}, o.dir)
	d.took = time.Since(began)
	if d.err != nil || len(d.Violations) > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(heardLate):
		}
	}
	if ctx.Err() != nil {
		d.interrupted, d.Violations, d.err = true, nil, nil
	}
}

// orphaned calls everything off once whoever started this process is gone: nobody would end it any more.
func orphaned(ctx context.Context, cancel context.CancelFunc) {
	parent := os.Getppid()
	for ctx.Err() == nil && os.Getppid() == parent {
		time.Sleep(time.Second)
	}
	cancel()
}

// usable makes sure that a binary is a runsheet: what another does would look like violations.
func usable(ctx context.Context, binary string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "version").Output()
	if err != nil {
		return fmt.Errorf("%s is not usable: %w", binary, err)
	}
	if !strings.HasPrefix(string(out), "runsheet ") {
		return fmt.Errorf("%s is no runsheet: asked for its version it says %.40q", binary, out)
	}
	return nil
}

// one runs a method in a directory of its own.
func one(ctx context.Context, m method.Method, c method.Config, dir string) (method.Result, error) {
	at, err := os.MkdirTemp(dir, "prove-"+m.Name+"-")
	if err != nil {
		return method.Result{}, err
	}
	defer os.RemoveAll(at)
	if c.Dir, err = filepath.EvalSymlinks(at); err != nil {
		return method.Result{}, err
	}
	return m.Run(ctx, c)
}

// table prints what came of the methods, and returns the exit code.
func table(results []done) int {
	code := 0
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "METHOD\tRESULT\tSEED\tTIME\tFIGURES")
	for _, d := range results {
		verdict := "no violation"
		switch {
		case d.interrupted:
			verdict, code = "interrupted", max(code, 2)
		case d.err != nil:
			verdict, code = "BROKEN", max(code, 2)
		case len(d.Violations) > 0:
			verdict, code = "VIOLATION", 1
		case d.LeftOut != "" && len(d.Figures) == 0:
			verdict = "left out"
		}
		figures := make([]string, len(d.Figures))
		for i, f := range d.Figures {
			figures[i] = f.Name + " " + f.Value
		}
		if d.LeftOut != "" {
			figures = append(figures, "left out: "+d.LeftOut)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", d.Name, verdict, d.seed, d.took.Round(100*time.Millisecond), strings.Join(figures, ", "))
	}
	w.Flush()
	for _, d := range results {
		for _, v := range d.Violations {
			fmt.Printf("%s (seed %d): %s\n", d.Name, d.seed, v)
		}
		if d.err != nil {
			fmt.Printf("%s (seed %d): could not do its work: %v\n", d.Name, d.seed, d.err)
		}
	}
	return code
}
