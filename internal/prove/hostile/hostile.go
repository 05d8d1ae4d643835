// Package hostile is the method of the proof that feeds every parser of something we did not write with hostile
// input: it runs the native fuzz targets of the packages, one after another, from the source tree. What an input may
// cost is held by package bound, in the targets themselves. It writes nothing into the tree.
package hostile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"runsheet/internal/prove/method"
)

// Method returns the method. Its unit is the second, for each target.
func Method() method.Method {
	return method.Method{
		Name:  "hostile",
		Does:  "fuzzes every parser of something that we did not write, with a bound of memory and time",
		Run:   run,
		Limit: 4 * time.Minute, // a first build takes most of it
	}
}

func run(ctx context.Context, c method.Config) (method.Result, error) {
	var r method.Result
	root, why := source()
	if why == "" {
		if _, err := exec.LookPath("go"); err != nil {
			why = "the Go toolchain is missing"
		}
	}
	if why != "" {
		r.LeftOut = why
		return r, nil
	}
	targets, err := discover(root)
	if err != nil {
		return r, err
	}
	each := time.Duration(c.N(2, 60, 600)) * time.Second
	var execs, interesting, hiccups int64
	packages := map[string]*built{}
	for _, t := range targets {
		b := packages[t.dir]
		if b == nil {
			if b, err = build(ctx, root, c.Dir, t); err != nil {
				return r, err
			}
			packages[t.dir] = b
		}
		o, err := b.fuzz(ctx, t, each)
		// The engine now and then loses its worker for no reason, and on a busy machine the time may be over before it
		// began.
		for range 5 {
			if err != nil || o.fault != "" || o.execs > 0 && !o.hiccup {
				break
			}
			if o.hiccup {
				hiccups++
			}
			execs += o.execs
			interesting += o.interesting
			o, err = b.fuzz(ctx, t, max(each, 20*time.Second))
		}
		execs += o.execs
		interesting += o.interesting
		if err != nil {
			return r, err
		}
		if o.hiccup {
			return r, fmt.Errorf("%s: the engine lost its worker again and again, over inputs that pass by themselves", t)
		}
		c.Say("%s: %d inputs, %d found a new way", t, o.execs, o.interesting)
		if o.fault != "" {
			r.Violate("%s", o.fault)
			break
		}
		if o.execs == 0 {
			return r, fmt.Errorf("%s: nothing was tried in %v", t, each)
		}
	}
	r.Figure("targets", len(targets))
	r.Figure("each", each)
	r.Figure("inputs", execs)
	r.Figure("that found a new way", interesting)
	if hiccups > 0 {
		r.Figure("times that the engine lost its worker over a harmless input", hiccups)
	}
	return r, nil
}

// source returns the root of the source tree of this program, looking from the working directory upwards, or why there
// is none.
func source() (root, why string) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err.Error()
	}
	for {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && isOurs(data) {
			return dir, ""
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err.Error()
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", "the source tree is not here: run it from inside"
		}
		dir = up
	}
}
