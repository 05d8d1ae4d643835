package forkserver

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Run runs a command to its end, and hands on what it writes. When ctx is done its process group is killed. Once it has
// ended, its output is waited for no longer than delay: a process that it left running may hold the pipe open. The error is
// exec.ErrWaitDelay then.
func (s *Server) Run(ctx context.Context, c Command, stdout, stderr io.Writer, delay time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var reads, writes []*os.File
	closeWrites := sync.OnceFunc(func() { closeAll(writes) })
	defer func() { closeAll(reads) }()
	defer closeWrites()
	for _, to := range []**os.File{&c.Stdout, &c.Stderr} {
		read, write, err := os.Pipe()
		if err != nil {
			return fmt.Errorf("run %s: %w", c.Name, err)
		}
		reads, writes = append(reads, read), append(writes, write)
		*to = write
	}
	p, err := s.Start(ctx, c)
	if err != nil {
		return err
	}
	closeWrites()
	var copying sync.WaitGroup
	for i, to := range []io.Writer{stdout, stderr} {
		copying.Go(func() { io.Copy(to, reads[i]) })
	}
	copied := make(chan struct{})
	go func() {
		copying.Wait()
		close(copied)
	}()
	ended := make(chan error, 1)
	go func() { ended <- p.Wait() }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		p.Signal(unix.SIGKILL)
		if err = <-ended; err == nil {
			err = ctx.Err()
		}
	}
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-copied:
		return err
	case <-t.C:
	}
	closeAll(reads)
	<-copied
	if err == nil {
		return exec.ErrWaitDelay
	}
	return err
}
