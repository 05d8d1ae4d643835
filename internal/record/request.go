package record

import (
	"errors"
	"fmt"
	"path/filepath"

	"runsheet"
	"runsheet/internal/durable"
)

const requestSuffix = ".json"

// Request writes down what a person asks of a run, durably, and returns the request with its number. The newest one
// wins; it holds until a later one.
func Request(sys System, workDir string, kind runsheet.RequestKind, user string) (runsheet.Request, error) {
	return request(sys, workDir, runsheet.Request{Kind: kind, User: user})
}

// Release writes down a retry that a person asks for who knows that nothing lives of an attempt whose records are gone.
func Release(sys System, workDir, nonce, user string) (runsheet.Request, error) {
	return request(sys, workDir, runsheet.Request{Kind: runsheet.RequestRetry, Releases: nonce, User: user})
}

func request(sys System, workDir string, r runsheet.Request) (runsheet.Request, error) {
	dir := RequestsDir(workDir)
	if err := private(sys, "request", workDir, dir); err != nil {
		return r, err
	}
	r.Schema, r.By, r.At = requestSchema, sys.Procs.Self(), sys.Clock.Now()
	for {
		ns, err := numbers(sys, dir, requestSuffix)
		if err != nil {
			return r, err
		}
		r.Number = 1
		if len(ns) > 0 {
			r.Number = ns[len(ns)-1] + 1
		}
		data, err := encode(r)
		if err != nil {
			return r, err
		}
		err = sys.FS.WriteOnce("request", requestPath(dir, r.Number), data)
		if !errors.Is(err, durable.ErrExists) {
			return r, err
		}
		// Somebody else asked at the same moment; ours comes after it.
	}
}

// newestRequest returns the request with the highest number, or nil.
func newestRequest(sys System, workDir string) (*runsheet.Request, error) {
	dir := RequestsDir(workDir)
	ns, err := numbers(sys, dir, requestSuffix)
	if err != nil || len(ns) == 0 {
		return nil, err
	}
	last := ns[len(ns)-1]
	r, err := readRecord(sys, "look", requestPath(dir, last), DecodeRequest)
	if err == nil && r.Number != last {
		return nil, fmt.Errorf("%s: %w: it says that it is number %d", requestPath(dir, last), ErrDamaged, r.Number)
	}
	return r, err
}

func requestPath(dir string, n int) string { return filepath.Join(dir, number(n)+requestSuffix) }

// private makes sure that our directory and dir below it are ours alone, making them where they are missing.
func private(sys System, label, workDir, dir string) error {
	if err := sys.FS.Private(label, Dir(workDir), true); err != nil {
		return err
	}
	if sub := filepath.Dir(dir); sub != Dir(workDir) {
		if err := sys.FS.Private(label, sub, true); err != nil {
			return err
		}
	}
	return sys.FS.Private(label, dir, true)
}
