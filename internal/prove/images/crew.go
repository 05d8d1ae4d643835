package images

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"

	"runsheet/internal/prove/method"
)

// crew is the writers of one file system, and all that was heard of them.
type crew struct {
	writers []*hired
	heard   chan heard
	stop    context.CancelFunc

	facts   []fact   // in the order in which they were acknowledged
	lately  []string // the last operations that began
	trouble string   // why a writer could not go on
}

// hired is a writer process.
type hired struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	busy bool // it was told something, and has not said that it is done
}

// heard is a line from a writer; nothing if it ended.
type heard struct {
	from int
	*report
}

const rememberOps = 6

// hire starts the writers.
func hire(ctx context.Context, root string, rng *rand.Rand) (*crew, error) {
	ctx, stop := context.WithCancel(ctx)
	c := &crew{heard: make(chan heard), stop: stop}
	for i := range writers {
		cmd := method.Command(context.Background(), name, writeRole)
		in, err := cmd.StdinPipe()
		if err == nil {
			var out io.ReadCloser
			if out, err = cmd.StdoutPipe(); err == nil {
				if err = cmd.Start(); err == nil {
					c.writers = append(c.writers, &hired{cmd: cmd, in: in})
					go c.listen(ctx, i, out)
					err = json.NewEncoder(in).Encode(writerOrders{Root: root, ID: i, Seed: rng.Uint64()})
				}
			}
		}
		if err != nil {
			c.dismiss()
			return nil, fmt.Errorf("start a writer: %w", err)
		}
	}
	return c, nil
}

// listen hands on what a writer says.
func (c *crew) listen(ctx context.Context, from int, out io.Reader) {
	lines := json.NewDecoder(bufio.NewReader(out))
	for {
		h := heard{from: from, report: &report{}}
		if lines.Decode(h.report) != nil {
			h.report = nil
		}
		select {
		case c.heard <- h:
		case <-ctx.Done():
			return
		}
		if h.report == nil {
			return
		}
	}
}

// dismiss ends the writers, and waits until they are gone.
func (c *crew) dismiss() {
	c.stop()
	for _, w := range c.writers {
		w.in.Close()
		w.cmd.Process.Kill()
		w.cmd.Wait() // it was killed
	}
}

// command tells a writer what to do.
func (w *hired) command(c command) {
	w.busy = w.busy || !c.Stop
	json.NewEncoder(w.in).Encode(c) // that it is gone is heard elsewhere
}

// hear takes in one line.
func (c *crew) hear(ctx context.Context) error {
	var h heard
	select {
	case h = <-c.heard:
	case <-ctx.Done():
		return ctx.Err()
	}
	w := c.writers[h.from]
	switch {
	case h.report == nil:
		w.busy = false
		if c.trouble == "" {
			return fmt.Errorf("writer %d ended", h.from)
		}
	case h.Err != "":
		c.trouble = fmt.Sprintf("writer %d cannot go on: %s", h.from, h.Err)
	case h.Fact != nil:
		c.facts = append(c.facts, *h.Fact)
	case h.Done:
		w.busy = false
	case h.Op != "":
		c.lately = append(c.lately, fmt.Sprintf("%d: %s", h.from, h.Op))
		c.lately = c.lately[max(0, len(c.lately)-rememberOps):]
	}
	return nil
}

// rest waits until every writer has done what it was told.
func (c *crew) rest(ctx context.Context) error {
	for {
		busy := false
		for _, w := range c.writers {
			busy = busy || w.busy
		}
		if !busy {
			return nil
		}
		if err := c.hear(ctx); err != nil {
			return err
		}
	}
}
