package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"runsheet/internal/prove/method"
)

// exitUsage says that the command line is wrong: scripts/prove says how it is used, and exits with 2.
const exitUsage = 64

// options are what the command line asks for.
type options struct {
	methods       []method.Method
	size          method.Size
	seed          uint64 // of the first method; 0: a new one for each
	count         int64  // 0: what the size says
	runsheet, dir string
	list, verbose bool
}

// parse reads the command line.
func parse(args []string) (options, error) {
	var o options
	var only *string
	var quick, long, nfs bool
	fs := flag.NewFlagSet("prove", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.BoolVar(&quick, "quick", false, "")
	fs.BoolVar(&long, "long", false, "")
	fs.BoolVar(&nfs, "nfs", false, "")
	fs.BoolVar(&o.list, "list", false, "")
	fs.BoolVar(&o.verbose, "v", false, "")
	fs.Uint64Var(&o.seed, "seed", 0, "")
	fs.StringVar(&o.runsheet, "runsheet", "", "the binary under test")
	fs.StringVar(&o.dir, "dir", "", "where to work; default: a temporary directory")
	fs.Func("only", "", func(names string) error {
		if only != nil {
			return errors.New("given twice")
		}
		only = &names
		return nil
	})
	fs.Func("count", "", func(text string) (err error) {
		if o.count, err = strconv.ParseInt(text, 10, 64); err != nil || o.count < 1 {
			return errors.New("it is a number from 1 on")
		}
		return nil
	})
	if err := fs.Parse(args); err != nil {
		return o, errors.New(strings.Replace(err.Error(), "flag provided but not defined:", "there is no option", 1))
	}
	switch {
	case fs.NArg() > 0:
		return o, fmt.Errorf("what is %q? methods are named with -only", strings.Join(fs.Args(), " "))
	case quick && long:
		return o, errors.New("--quick and --long are two sizes: give one of them")
	case quick:
		o.size = method.Quick
	case long:
		o.size = method.Long
	default:
		o.size = method.Usual
	}
	if nfs {
		if only != nil {
			return o, errors.New("--nfs is -only nfs: give one of them")
		}
		name := "nfs"
		only = &name
	}
	var err error
	if o.runsheet != "" {
		if o.runsheet, err = filepath.Abs(o.runsheet); err != nil {
			return o, err
		}
	}
	o.methods, err = choose(only)
	return o, err
}

// choose returns the methods of that name, or of those names with commas between them; by default all that need nothing
// special.
func choose(only *string) ([]method.Method, error) {
	all := methods()
	if only == nil {
		return slices.DeleteFunc(all, func(m method.Method) bool { return slices.Contains(special, m.Name) }), nil
	}
	var out []method.Method
	for name := range strings.SplitSeq(*only, ",") {
		i := slices.IndexFunc(all, func(m method.Method) bool { return m.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no method %q; --list lists them", name)
		}
		out = append(out, all[i])
	}
	return out, nil
}
