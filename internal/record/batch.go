package record

import (
	"errors"
	"fmt"
	"path/filepath"

	"runsheet"
	"runsheet/internal/durable"
)

const batchSchema = "runsheet.batch/1"

// Batch is the list of the attempts that were put into a scheduler's queue with one submission, so that each of its jobs
// finds the one that it is to supervise. It is written once, before the submission.
type Batch struct {
	Schema string   `json:"schema"` // "runsheet.batch/1"
	Batch  string   `json:"batch"`  // as in the claims
	Dirs   []string `json:"dirs"`   // the directory of the attempt with that Task; empty: there is none
}

// WriteBatch writes the list of a batch into a sheet's state directory, durably, and returns its path. launches are
// claimed attempts of one batch. A list that stands there already is left as it is: it is of the same batch, and a task
// never changes its attempt.
func WriteBatch(sys System, stateDir string, launches []runsheet.Launch) (string, error) {
	b := Batch{Schema: batchSchema}
	for _, l := range launches {
		b.Batch = l.Claim.Batch
		for len(b.Dirs) <= l.Claim.Task {
			b.Dirs = append(b.Dirs, "")
		}
		b.Dirs[l.Claim.Task] = l.Dir
	}
	path := BatchPath(stateDir, b.Batch)
	if err := sys.FS.Private("batch", filepath.Dir(path), true); err != nil {
		return "", err
	}
	data, err := encode(b)
	if err != nil {
		return "", err
	}
	if err := sys.FS.WriteOnce("batch", path, data); err != nil && !errors.Is(err, durable.ErrExists) {
		return "", fmt.Errorf("list the attempts of a submission: %w", err)
	}
	return path, nil
}

// BatchTask returns the directory of the attempt that a task of the batch listed in path is to supervise.
func BatchTask(sys System, path string, task int) (string, error) {
	b, err := readRecord(sys, "batch", path, func(data []byte) (b Batch, err error) {
		err = decode(data, batchSchema, &b, func() string { return b.Schema })
		return b, err
	})
	switch {
	case err != nil:
		return "", err
	case task < 0 || task >= len(b.Dirs) || b.Dirs[task] == "":
		return "", fmt.Errorf("%s: %w: it has no attempt for task %d", path, ErrDamaged, task)
	}
	return b.Dirs[task], nil
}
