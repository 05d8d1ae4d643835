package images

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/prove/method"
)

const (
	writers = 3
	// perSystem is how many images are taken of one file system before a new one is made: it fills up, and every image
	// is held against everything that was ever acknowledged on it.
	perSystem = 20
)

// director takes the images.
type director struct {
	pool   string
	rng    *rand.Rand
	say    func(string, ...any)
	result *method.Result
	turn   int
	deck   []operation // the operations that an image is yet to be taken directly after

	facts     int // that were held against an image
	whole     int
	recovered int
}

// direct is the director's process.
func direct(ctx context.Context, o orders, say func(string, ...any)) (method.Result, error) {
	var result method.Result
	d := &director{rng: rand.New(rand.NewPCG(o.Seed, 0)), say: say, result: &result}
	err := room(o.Dir, need)
	if err != nil {
		return result, err
	}
	if d.pool, err = pool(ctx, o.Dir); err != nil {
		return result, err
	}
	for i, k := range kinds {
		d.deck, d.turn = nil, -1
		taken := 0
		for taken < int(o.Count) && len(result.Violations) == 0 {
			n, err := d.generation(ctx, i, taken, min(perSystem, int(o.Count)-taken))
			// Where the disk below fills up, a file system under test loses what it was given: that is no fault of ours.
			if full := room(o.Dir, spare); full != nil {
				return method.Result{}, fmt.Errorf("%s, image %d: %w", k.Name, taken+n, full)
			}
			if err != nil {
				return result, fmt.Errorf("%s, image %d: %w", k.Name, taken+n, err)
			}
			taken += n
		}
		result.Figure(k.Name+" images", taken)
		if len(result.Violations) > 0 {
			break
		}
	}
	result.Figure("acknowledged facts looked up in them", d.facts)
	result.Figure("documents read whole", d.whole)
	result.Figure("attempts recovered", d.recovered)
	return result, nil
}

// generation takes images of one file system, at most so many, and says how many it took.
func (d *director) generation(ctx context.Context, which, before, most int) (taken int, err error) {
	k := kinds[which]
	live, file := filepath.Join(d.pool, "live"), filepath.Join(d.pool, k.Name+".img")
	if err := os.MkdirAll(live, 0o700); err != nil {
		return 0, err
	}
	if err := k.format(ctx, file, k.size); err != nil {
		return 0, err
	}
	defer os.Remove(file)
	if err := k.mount(file, live, k.options); err != nil {
		return 0, err
	}
	defer unix.Unmount(live, 0)
	crew, err := hire(ctx, live, d.rng)
	if err != nil {
		return 0, err
	}
	defer crew.dismiss()
	for taken < most && len(d.result.Violations) == 0 && !full(live) {
		im := image{Kind: which, File: filepath.Join(d.pool, fmt.Sprintf("%s-%d.img", k.Name, before+taken)), At: live}
		how, err := d.take(ctx, crew, file, &im)
		if err == nil && crew.trouble == "" {
			began := time.Now()
			var f finding
			if err = ask(ctx, verifyRole, im, &f, d.say); err == nil {
				d.judge(fmt.Sprintf("%s image %d, %s", k.Name, before+taken, how), crew, im, &f, time.Since(began))
			}
		}
		os.Remove(im.File)
		if err != nil {
			return taken, err
		}
		if crew.trouble != "" {
			d.result.Violate("%s, before image %d: %s", k.Name, before+taken, crew.trouble)
		}
		taken++
	}
	return taken, nil
}

// take has the writers write, and clones what they write to. It says how the image was taken.
func (d *director) take(ctx context.Context, crew *crew, file string, im *image) (how string, err error) {
	// Three in five images are taken at rest, directly after one operation: whatever it should have synced and did not,
	// nobody else has synced since. The others are taken in the midst of writing.
	if d.turn++; d.turn%5%2 == 0 {
		for _, w := range crew.writers[1:] {
			w.command(command{Count: d.rng.IntN(4)})
		}
		if err := crew.rest(ctx); err != nil {
			return "", err
		}
		if len(d.deck) == 0 { // each operation is the last one before others are again
			d.deck = operations()
			d.rng.Shuffle(len(d.deck), func(i, j int) { d.deck[i], d.deck[j] = d.deck[j], d.deck[i] })
		}
		last := d.deck[0].name
		d.deck = d.deck[1:]
		crew.writers[0].command(command{Count: d.rng.IntN(3), Last: last})
		if err := crew.rest(ctx); err != nil {
			return "", err
		}
		im.Facts = crew.facts
		return "directly after " + last, clone(file, im.File)
	}
	active := 1 + d.rng.IntN(writers)
	for _, w := range crew.writers[:active] {
		w.command(command{Count: 1 << 30})
	}
	until := len(crew.facts) + 1 + d.rng.IntN(30)
	for len(crew.facts) < until && crew.trouble == "" {
		if err := crew.hear(ctx); err != nil {
			return "", err
		}
	}
	im.Facts = crew.facts // what is heard from here on is not promised
	err = clone(file, im.File)
	for _, w := range crew.writers[:active] {
		w.command(command{Stop: true})
	}
	if rerr := crew.rest(ctx); err == nil {
		err = rerr
	}
	return fmt.Sprintf("beside %d writers", active), err
}

// judge counts what was found in an image, and tells of what is wrong.
func (d *director) judge(what string, crew *crew, im image, f *finding, took time.Duration) {
	d.facts += len(im.Facts)
	d.whole += f.Whole
	d.recovered += f.Recovered
	d.say("%s: %d facts, %d documents, %d recovered, %s", what, len(im.Facts), f.Whole, f.Recovered, took.Round(time.Millisecond))
	for i, wrong := range f.Wrong {
		if i == 3 {
			d.result.Violate("%s: and %d more", what, len(f.Wrong)-i)
			return
		}
		d.result.Violate("%s, after %s: %s", what, strings.Join(crew.lately, ", "), strings.ReplaceAll(wrong, im.At+"/", ""))
	}
}

const (
	need  = 512 << 20 // bytes that the images take at the most, with a margin
	spare = 32 << 20  // bytes; with less the disk counts as full
)

// room says that there is too little space in a directory for so many bytes; nil where there is enough.
func room(dir string, bytes uint64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("statfs %s: %w", dir, err)
	}
	if free := st.Bavail * uint64(st.Bsize); free < bytes {
		return fmt.Errorf("%s has %d MiB free: the images need %d MiB; TMPDIR names another directory", dir, free>>20, need>>20)
	}
	return nil
}

// full says whether a file system is more than half full.
func full(at string) bool {
	var st unix.Statfs_t
	return unix.Statfs(at, &st) == nil && (st.Bavail*2 < st.Blocks || st.Files > 0 && st.Ffree*2 < st.Files)
}
