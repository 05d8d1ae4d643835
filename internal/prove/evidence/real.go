package evidence

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/progress"
	"runsheet/internal/prove/method"
	"runsheet/internal/record"
)

// reality is what the real programs did.
type reality struct{ reads, settled, errors, versions, kills, cuts int64 }

func (t *reality) figures(r *method.Result) {
	r.Figure("real reads", t.reads)
	r.Figure("of them settled", t.settled)
	r.Figure("errors while a file moved or was torn", t.errors)
	r.Figure("states of real evidence", t.versions)
	r.Figure("writers killed", t.kills)
	r.Figure("of them in the middle of a line", t.cuts)
}

// onDisk lets real programs write real files in every way, and be killed, while others read.
func onDisk(ctx context.Context, c method.Config, r *method.Result) error {
	var sum reality
	defer sum.figures(r)
	for i, w := range ways() {
		if err := w.run(ctx, c, i, &sum, r); err != nil || len(r.Violations) > 0 {
			return err
		}
	}
	return nil
}

// errStuck: what was waited for did not come. That is a violation, not a fault of the method.
var errStuck = errors.New("waited in vain")

// standstill is how long anything may take that should take milliseconds.
const standstill = 2 * time.Minute

func wait(ctx context.Context, what string, ok func() bool) error {
	for deadline := time.Now().Add(standstill); !ok(); {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(500 * time.Microsecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: %v for %s", errStuck, standstill, what)
		}
	}
	return nil
}

// run lets a program write in a way, over several attempts.
func (w way) run(ctx context.Context, c method.Config, number int, sum *reality, r *method.Result) error {
	began := time.Now()
	base := filepath.Join(c.Dir, fmt.Sprintf("real-%d", number))
	dir := filepath.Join(base, "run")
	if err := os.MkdirAll(filepath.Dir(record.ReportedPath(record.AttemptDir(dir, 1))), 0o700); err != nil {
		return err
	}
	b, err := openBoard(filepath.Join(base, "board"))
	if err != nil {
		return err
	}
	defer b.close()
	b.ledger[0].Store(0)
	rng := rand.New(rand.NewPCG(c.Seed, uint64(1000+number)))
	o := orders{Role: "read", Way: w.name, Dir: dir, Board: filepath.Join(base, "board"), Seed: c.Seed}
	start := func(o orders, out io.Writer) (*exec.Cmd, error) {
		text, err := json.Marshal(o)
		if err != nil {
			return nil, err
		}
		cmd := method.Command(ctx, name, string(text))
		cmd.Stdout = out
		return cmd, cmd.Start()
	}
	b.gate.Store(true)
	var own bytes.Buffer
	said := make([]bytes.Buffer, readers)
	var running []*exec.Cmd
	end := func() error {
		b.stop.Store(true)
		b.gate.Store(false)
		var first error
		for _, cmd := range running {
			if err := cmd.Wait(); err != nil && first == nil && ctx.Err() == nil {
				first = fmt.Errorf("%s: a reader: %w", w.name, err)
			}
		}
		running = nil
		return first
	}
	defer end() //nolint:errcheck // it is asked for below
	for slot := range readers {
		o := o
		o.Slot = slot
		cmd, err := start(o, &said[slot])
		if err != nil {
			return err
		}
		running = append(running, cmd)
	}
	s := &scene{way: w, b: b, base: base, own: newReader(w, orders{Dir: dir, Board: o.Board}, b, &own)}
	attempts := method.Of(c.Size, 2, 10, 400)
	if !w.lines {
		attempts /= 2 // whoever reads a torn document waits for its writer
	}
	for n := range attempts {
		o.Role, o.Attempt = "write", int64(n)
		if err = s.attempt(ctx, rng, func() (*exec.Cmd, error) { return start(o, nil) }); err != nil || b.wrong.Load() > 0 {
			break
		}
		sum.kills++
	}
	eerr := end()
	if errors.Is(err, errStuck) {
		r.Violate("%s: %v", w.name, err)
		err = nil
	}
	sum.reads += b.reads.Load()
	sum.settled += b.settled.Load()
	sum.errors += b.errors.Load()
	sum.versions += b.begun.Load()
	sum.cuts += int64(len(s.cuts))
	if bad := b.wrong.Load(); bad > 0 {
		r.Violate("%s: %d of %d answers were never true", w.name, bad, b.reads.Load())
		for _, out := range append(said, own) {
			for line := range strings.SplitSeq(strings.TrimSpace(out.String()), "\n") {
				if line != "" {
					r.Violate("%s: %s", w.name, line)
				}
			}
		}
	}
	c.Say("%s: %d reads of %d states in %v", w.name, b.reads.Load(), b.begun.Load(), time.Since(began).Round(time.Millisecond))
	if err == nil && ctx.Err() == nil {
		err = eerr
	}
	return err
}

// scene is a work dir in which attempts follow each other.
type scene struct {
	way
	b    *board
	base string
	own  *reader // of the method
	cuts []runsheet.Cut
}

// attempt lets a writer write for a moment, kills it, and holds everybody to what stands there then.
func (s *scene) attempt(ctx context.Context, rng *rand.Rand, start func() (*exec.Cmd, error)) error {
	before := s.b.begun.Load()
	cmd, err := start()
	if err != nil {
		return err
	}
	s.b.gate.Store(false)
	// It has begun, and is killed anywhere. Readers go on meanwhile, and afterwards.
	err = wait(ctx, "the writer to begin", func() bool { return s.b.begun.Load() > before })
	if err == nil {
		reads, changes := s.b.reads.Load()+rng.Int64N(8), s.b.begun.Load()+rng.Int64N(3000)
		err = wait(ctx, "reads and changes", func() bool {
			return s.b.reads.Load() >= reads && s.b.begun.Load() >= changes || s.b.wrong.Load() > 0
		})
	}
	cmd.Process.Kill()
	cmd.Wait() // it tells of the signal
	if err != nil || s.b.wrong.Load() > 0 {
		return err
	}
	// Its last step came, or it did not: the file itself tells.
	data, err := os.ReadFile(filepath.Join(s.own.Dir, filepath.FromSlash(s.file)))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := s.stands(data); err != nil {
		return err
	}
	if err := s.quiet(ctx); err != nil || s.b.wrong.Load() > 0 {
		return err
	}
	return s.next(ctx)
}

// stands notes what the evidence says once nobody writes it any more. For a growing file the writer has announced its last
// row, since rows go on behind a cut: the row came if the file is as long as with it.
func (s *scene) stands(data []byte) error {
	state := s.state(data)
	if s.grows {
		v := s.b.begun.Load()
		if s.b.done.Load() < v && s.b.size.Load() != int64(len(data)) {
			v--
		}
		state = s.b.ledger[v%ledgerSize].Load()
	}
	return s.b.change(state, func() error { return nil })
}

// quiet holds everybody to what stands there, once that is settled.
func (s *scene) quiet(ctx context.Context) error {
	want := s.b.ledger[s.b.begun.Load()%ledgerSize].Load()
	is := func(p runsheet.Progress) bool {
		if want == broken {
			return p.Error != ""
		}
		return p.Error == "" && p.Completed == want
	}
	var p runsheet.Progress
	if err := wait(ctx, "an answer that is settled", func() bool {
		p = s.own.check(s.own.cache, false)
		return p.Settled || s.b.wrong.Load() > 0
	}); err != nil || s.b.wrong.Load() > 0 {
		return err
	}
	spec, err := s.own.known()
	if err != nil {
		return err
	}
	anew := progress.New(durable.OS(), progress.Options{CacheDir: filepath.Join(s.base, "elsewhere")}).Get(ctx, s.own.Dir, spec, true)
	if !is(p) || !is(anew) {
		s.own.wrong("when nobody wrote any more: told for good %d (%q), by --recompute %d (%q); the writer left %d", p.Completed, p.Error, anew.Completed, anew.Error, want)
	}
	reads := s.b.reads.Load() + 2
	return wait(ctx, "reads", func() bool { return s.b.reads.Load() >= reads || s.b.wrong.Load() > 0 })
}

// next ends the attempt, as its supervisor does: where the evidence was cut is what the next one is told.
func (s *scene) next(ctx context.Context) error {
	s.b.gate.Store(true)
	if err := wait(ctx, "the readers to come back", func() bool { return s.b.readers() == 0 }); err != nil {
		return err
	}
	spec, err := s.own.known()
	if err != nil {
		return err
	}
	p := progress.New(durable.OS(), s.own.opts).Get(ctx, s.own.Dir, spec, false)
	s.cuts = append(s.cuts, p.Cuts...)
	data, err := json.Marshal(s.cuts)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.base, cutsName), data, 0o600); err != nil {
		return err
	}
	s.b.attempt.Add(1)
	return nil
}
