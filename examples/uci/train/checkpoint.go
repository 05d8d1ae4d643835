package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// checkpointName is the checkpoint of a run, below its output directory.
const checkpointName = "checkpoint.json"

// A checkpoint is all that training goes on from: nothing else of the process that wrote it is needed. JSON keeps a
// float64 exactly.
type checkpoint struct {
	Dataset string `json:"dataset"`
	Model   string `json:"model"`
	Seed    int64  `json:"seed"`
	Epochs  int    `json:"epochs"` // how many are complete
	weights
}

// save puts the checkpoint in the place of the one before.
func (c checkpoint) save(dir string) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return replace(filepath.Join(dir, checkpointName), data)
}

// errNoCheckpoint is returned by restore where there is nothing to go on from.
var errNoCheckpoint = errors.New("no usable checkpoint")

// restore reads the checkpoint of the same dataset, model and seed as want, whose weights give the size that is
// expected. It returns errNoCheckpoint where training has to begin at the start: there is none, it is damaged, or files
// of an epoch that it counts are missing or empty. The checkpoint of something else is another error: going on from it
// would be wrong, and so would writing over it.
func restore(dir string, want checkpoint) (checkpoint, error) {
	data, err := os.ReadFile(filepath.Join(dir, checkpointName))
	if errors.Is(err, fs.ErrNotExist) {
		return checkpoint{}, errNoCheckpoint
	} else if err != nil {
		return checkpoint{}, err
	}
	var c checkpoint
	if err := json.Unmarshal(data, &c); err != nil {
		return checkpoint{}, fmt.Errorf("%w: it is damaged: %v", errNoCheckpoint, err)
	}
	if c.Dataset != want.Dataset || c.Model != want.Model || c.Seed != want.Seed {
		return checkpoint{}, fmt.Errorf("%s in %s is of another run: %s %s, seed %d", checkpointName, dir, c.Dataset, c.Model, c.Seed)
	}
	if c.Epochs < 0 || len(c.Theta) != len(want.Theta) || len(c.Velocity) != len(want.Velocity) {
		return checkpoint{}, fmt.Errorf("%w: it does not fit this model", errNoCheckpoint)
	}
	for n := range c.Epochs {
		for _, name := range epochFiles {
			path := filepath.Join(epochDir(dir, n), name)
			if info, err := os.Stat(path); err != nil || info.Size() == 0 {
				return checkpoint{}, fmt.Errorf("%w: it counts epoch %d, but %s is missing or empty", errNoCheckpoint, n, path)
			}
		}
	}
	return c, nil
}

// replace writes a file so that a reader finds the old content or the new, never a part of it.
func replace(path string, data []byte) error {
	temp := path + ".tmp"
	if err := os.WriteFile(temp, data, 0o666); err != nil {
		return err
	}
	return os.Rename(temp, path)
}
