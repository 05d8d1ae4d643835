package readers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/prove/method"
	"runsheet/internal/tracker"
)

const naiveName = "naive.json"

// readNaive is the store that this project began with: it looks whether the file is there, and where it is not,
// computes and writes it in place. Nobody locks. It returns an error where a reader cannot make sense of the file.
func readNaive(disk durable.Disk, dir string) error {
	path := filepath.Join(dir, naiveName)
	for {
		if _, err := os.Stat(path); err != nil {
			r := tracker.Look(context.Background(), disk, dir, specOf(kindEpochs), tracker.Options{})
			data, err := json.Marshal(r.Progress)
			if err == nil {
				err = os.WriteFile(path, data, 0o666)
			}
			if err != nil {
				return err
			}
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the method has just removed it: that is no fault of the store
		}
		var p runsheet.Progress
		if err == nil {
			err = json.Unmarshal(data, &p)
		}
		if err != nil {
			return fmt.Errorf("failed to load progress file (%d bytes): %w", len(data), err)
		}
		return nil
	}
}

// catchNaive has the readers read from the naive store, and returns after how long one was caught with a torn document;
// 0: none was, within a second.
func catchNaive(ctx context.Context, c method.Config, rng *rand.Rand) (time.Duration, error) {
	a := act{name: "naive", kind: kindEpochs, orders: orders{Naive: true}}
	s, err := a.start(ctx, c, rng)
	if err != nil {
		return 0, err
	}
	defer s.end()
	if err := s.evidence.once(); err != nil {
		return 0, err
	}
	// From the moment at which they may read: starting processes is not what is measured.
	opened := time.Now()
	s.gate.Store(false)
	if err := wait(ctx, "the first reads", func() bool { return s.reads.Load() > 0 || s.torn.Load() > 0 }); err != nil {
		return 0, err
	}
	for first := time.Now(); time.Since(first) < time.Second; {
		if s.torn.Load() > 0 {
			return time.Since(opened), nil
		}
		os.Remove(filepath.Join(s.dir, naiveName)) // so that it is computed anew
		if err := pause(ctx, time.Millisecond); err != nil {
			return 0, err
		}
	}
	return 0, nil
}
