package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	"runsheet/internal/forkserver"
)

// smiTimeout is how long nvidia-smi may take. Without persistence mode it initialises the driver each time, which
// takes seconds on machines with eight GPUs.
const smiTimeout = 10 * time.Second

// outputLimit bounds what is kept of a program's output, in bytes.
const outputLimit = 1 << 20

// smi calls nvidia-smi, one call at a time. With a broken driver it hangs in the kernel, where not even SIGKILL
// reaches it; then no other is started before it has gone.
type smi struct {
	fork    *forkserver.Server
	timeout time.Duration

	mu    sync.Mutex
	since time.Time // of the call that is under way; zero: none
	noMIG bool      // the driver is too old to know of MIG
}

func newSMI(fork *forkserver.Server) *smi { return &smi{fork: fork, timeout: smiTimeout} }

// sample returns the GPUs of this machine; none and no error where there is no nvidia-smi. With GPUs and an error,
// some of them could not be looked at.
func (s *smi) sample(ctx context.Context) ([]GPU, error) {
	path, err := exec.LookPath("nvidia-smi")
	if err != nil {
		return nil, nil
	}
	s.mu.Lock()
	if !s.since.IsZero() {
		defer s.mu.Unlock()
		return nil, fmt.Errorf("nvidia-smi has not answered since %s", s.since.Format(time.TimeOnly))
	}
	s.since = time.Now()
	noMIG := s.noMIG
	s.mu.Unlock()

	type answer struct {
		gpus  []GPU
		noMIG bool
		err   error
	}
	answers := make(chan answer, 1)
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("no answer within %v", s.timeout))
	go func() {
		defer cancel()
		var a answer
		a.gpus, a.noMIG, a.err = s.query(ctx, path, noMIG)
		s.mu.Lock()
		s.since, s.noMIG = time.Time{}, a.noMIG
		s.mu.Unlock()
		answers <- a
	}()
	select {
	case a := <-answers:
		return a.gpus, a.err
	case <-ctx.Done():
	}
	// It was killed and mostly goes at once.
	select {
	case a := <-answers:
		return a.gpus, a.err
	case <-time.After(200 * time.Millisecond):
		return nil, errors.New("nvidia-smi does not answer and cannot be killed")
	}
}

// query asks for the GPUs and for the processes on them.
func (s *smi) query(ctx context.Context, path string, noMIG bool) ([]GPU, bool, error) {
	out, err := s.call(ctx, path, "--query-gpu="+gpuFields(noMIG))
	if !noMIG && bytes.Contains(out, []byte("not a valid field")) {
		noMIG = true
		out, err = s.call(ctx, path, "--query-gpu="+gpuFields(noMIG))
	}
	gpus, problems := parseGPUs(string(out), noMIG)
	if err != nil && len(gpus) == 0 {
		return nil, noMIG, fmt.Errorf("nvidia-smi: %w", err)
	}
	if err != nil && len(problems) == 0 {
		problems = append(problems, err.Error())
	}
	if len(gpus) > 0 {
		out, err := s.call(ctx, path, "--query-compute-apps=gpu_uuid,pid,process_name,used_memory")
		if err != nil {
			problems = append(problems, "processes: "+err.Error())
		}
		addProcesses(gpus, string(out))
	}
	if len(problems) > 0 {
		return gpus, noMIG, fmt.Errorf("nvidia-smi: %s", strings.Join(problems, "; "))
	}
	return gpus, noMIG, nil
}

// call runs nvidia-smi once and returns what it printed, also where it failed.
func (s *smi) call(ctx context.Context, path, what string) ([]byte, error) {
	var out, messages limited
	c := forkserver.Command{Name: path, Args: []string{path, what, "--format=csv,noheader,nounits"}, Dir: "/"}
	err := s.fork.Run(ctx, c, &out, &messages, 100*time.Millisecond)
	switch {
	case err == nil:
		return out.b.Bytes(), nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	// It prints its errors where the rows would be.
	said := clean(out.b.String() + " " + messages.b.String())
	return out.b.Bytes(), fmt.Errorf("%w: %.200s", err, said)
}

// limited keeps the first part of what is written to it.
type limited struct{ b bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	l.b.Write(p[:min(len(p), outputLimit-l.b.Len())])
	return len(p), nil
}
