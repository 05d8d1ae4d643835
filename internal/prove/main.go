// Command prove looks for what must never happen (docs/proof.md): it runs the methods of the proof, prints a table of
// figures with the seed of each, and exits with 1 at the first violation, with 2 where a method could not do its work.
// scripts/prove builds and calls it.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
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
}

func run() int {
	quick := flag.Bool("quick", false, "sizes for under three minutes")
	long := flag.Bool("long", false, "the sizes of docs/proof.md, however long they take")
	only := flag.String("only", "", "the methods to run, with commas; default: all that need nothing special")
	seed := flag.Uint64("seed", 0, "the seed of the first method; 0: a new one")
	count := flag.Int64("count", 0, "how much each method does, in its own unit; 0: what the size says")
	binary := flag.String("runsheet", "", "the binary under test")
	dir := flag.String("dir", "", "where to work; default: a temporary directory")
	list := flag.Bool("list", false, "only list the methods")
	verbose := flag.Bool("v", false, "say what is going on")
	flag.Parse()
	if *list {
		for _, m := range methods() {
			fmt.Printf("%-12s %s\n", m.Name, m.Does)
		}
		return 0
	}
	size := method.Usual
	if *quick {
		size = method.Quick
	} else if *long {
		size = method.Long
	}
	chosen, err := choose(*only)
	if err != nil {
		fmt.Fprintf(os.Stderr, "prove: %v\n", err)
		return 2
	}
	ctx, cancel := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer cancel()
	var results []done
	for i, m := range chosen {
		if ctx.Err() != nil {
			break
		}
		d := done{Method: m, seed: *seed + uint64(i)}
		if *seed == 0 {
			d.seed = rand.Uint64N(1 << 32)
		}
		fmt.Fprintf(os.Stderr, "== %s, seed %d\n", m.Name, d.seed)
		began := time.Now()
		d.Result, d.err = one(ctx, m, method.Config{Size: size, Seed: d.seed, Count: *count, Runsheet: *binary,
			Say: func(format string, args ...any) {
				if *verbose {
					fmt.Fprintf(os.Stderr, "   "+format+"\n", args...)
				}
			}}, *dir)
		d.took = time.Since(began)
		results = append(results, d)
		if d.err != nil || len(d.Violations) > 0 {
			break
		}
	}
	return table(results)
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

func choose(only string) ([]method.Method, error) {
	all := methods()
	if only == "" {
		return slices.DeleteFunc(all, func(m method.Method) bool { return slices.Contains(special, m.Name) }), nil
	}
	var out []method.Method
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(all, func(m method.Method) bool { return m.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no method %q; -list lists them", name)
		}
		out = append(out, all[i])
	}
	return out, nil
}

// table prints what came of the methods, and returns the exit code.
func table(results []done) int {
	code := 0
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "METHOD\tRESULT\tSEED\tTIME\tFIGURES")
	for _, d := range results {
		verdict := "no violation"
		switch {
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
