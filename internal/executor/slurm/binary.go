package slurm

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// scripts are the job scripts for sbatch, by the shell that reads them. They are constant, so that no text of a sheet is ever part of
// a script. A plain sh would drop the functions that bash exports, module among them; it is asked only where this
// machine has no bash, and so nobody could have exported any.
var scripts = map[string]struct{ name, text string }{
	"bash": {"job.bash", "#!/usr/bin/env bash\n" + script},
	"sh":   {"job.sh", "#!/bin/sh\n" + script},
}

const script = `# Started by Slurm for runsheet: the job becomes the supervisor of one attempt.
exec "$1" supervise --batch "$2"
`

// shellHere names the shell that the script is written for.
func shellHere() string {
	if _, err := exec.LookPath("bash"); err != nil {
		return "sh"
	}
	return "bash"
}

// install puts this program and the script where the nodes find them, and returns their paths. The copy is named after
// its contents: what waits in the queue keeps the program that it was submitted with, whatever becomes of ours.
func install(disk durable.Disk, sys record.System, state string) (binary, job string, err error) {
	fail := func(err error) (string, string, error) {
		return "", "", fmt.Errorf("put a copy of runsheet where the nodes find it: %w", err)
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return fail(err)
	}
	defer self.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, self); err != nil {
		return fail(err)
	}
	binary = record.BinaryPath(state, hex.EncodeToString(sum.Sum(nil)[:8]))
	script := scripts[shellHere()]
	job = filepath.Join(filepath.Dir(binary), script.name)
	if err := sys.FS.Private("install", filepath.Dir(binary), true); err != nil {
		return fail(err)
	}
	if err := sys.FS.WriteOnce("install", job, []byte(script.text)); err != nil && !errors.Is(err, durable.ErrExists) {
		return fail(err)
	}
	if info, err := disk.Lstat("install", binary); err == nil && info.Mode().IsRegular() {
		return binary, job, nil // it got its name when it was whole
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(err)
	}
	if _, err := self.Seek(0, io.SeekStart); err != nil {
		return fail(err)
	}
	temp := filepath.Join(filepath.Dir(binary), durable.TempPrefix+record.NewNonce())
	if err := copyTo(disk, self, temp); err != nil {
		disk.Remove("install", temp)
		return fail(err)
	}
	if err := disk.Rename("install", temp, binary); err != nil {
		disk.Remove("install", temp)
		return fail(err)
	}
	return binary, job, nil
}

func copyTo(disk durable.Disk, from io.Reader, path string) error {
	f, err := disk.Open("install", path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Sync(), f.Close())
}
