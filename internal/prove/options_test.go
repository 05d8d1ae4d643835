package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"runsheet/internal/prove/method"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]string{
		"stray":               `what is "stray"`,
		"-v stray -only nfs":  `what is "stray -only nfs"`,
		"-only=":              `there is no method ""`,
		"-only sweep,":        `there is no method ""`,
		"-only bogus":         `there is no method "bogus"`,
		"-only sweep -only x": "given twice",
		"--quick --long":      "two sizes",
		"-count -1":           "a number from 1 on",
		"-count 0":            "a number from 1 on",
		"-seed -1":            "invalid value",
		"--qiuck":             "there is no option -qiuck",
		"--nfs -only sweep":   "give one of them",
		"-only":               "needs an argument",
	} {
		if _, err := parse(strings.Fields(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
	o, err := parse(strings.Fields("--quick -only sweep,forget -seed 7 -count 3 -v -runsheet x"))
	if err != nil || o.size != method.Quick || len(o.methods) != 2 || o.methods[1].Name != "forget" || o.seed != 7 || o.count != 3 ||
		!o.verbose || !strings.HasSuffix(o.runsheet, "/internal/prove/x") {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := parse([]string{"--nfs"}); err != nil || len(o.methods) != 1 || o.methods[0].Name != "nfs" {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := parse(nil); err != nil || len(o.methods) != len(methods())-len(special) {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestUsable(t *testing.T) {
	for binary, want := range map[string]string{"/bin/true": "is no runsheet", "/bin/false": "not usable", "/nowhere": "not usable"} {
		if err := usable(t.Context(), binary); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", binary, err)
		}
	}
}

// What is called off has no verdict, whatever its method says of what was ended under it.
func TestInterrupted(t *testing.T) {
	for name, end := range map[string]func(*method.Result) error{
		"violation": func(r *method.Result) error { r.Violate("a worker ended"); return nil },
		"error":     func(*method.Result) error { return errors.New("a worker ended") },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		d := done{Method: method.Method{Name: "x", Run: func(context.Context, method.Config) (r method.Result, err error) {
			time.AfterFunc(time.Millisecond, cancel) // the processes of a group hear of a signal in any order
			err = end(&r)
			return r, err
		}}}
		if d.do(ctx, options{dir: t.TempDir()}); !d.interrupted || len(d.Violations) > 0 || d.err != nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
