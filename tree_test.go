package runsheet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"
)

// largest is how large a file of the repository may be that is neither test data nor a picture, in bytes.
const largest = 1 << 20

// TestTree holds that tracked files are text, or lie where data is expected. A program, a core dump or an archive that got in
// by mistake is found before it is passed on.
func TestTree(t *testing.T) {
	files := os.DirFS(".")
	names, err := tracked(files)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(names, "go.mod") {
		t.Fatalf("go.mod is not among the %d files of the tree", len(names))
	}
	for _, name := range names {
		if why, err := strange(files, name); err != nil {
			t.Error(err)
		} else if why != "" {
			t.Errorf("%s: %s", name, why)
		}
	}
}

// tracked returns the files that git tracks; where there is no git, or the tree came without its history, all that
// there are.
func tracked(files fs.FS) ([]string, error) {
	out, err := exec.Command("git", "ls-files", "-z").Output()
	if err == nil && len(out) > 0 {
		return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"), nil
	}
	return walked(files)
}

// walked returns all files but those of git itself.
func walked(files fs.FS) (names []string, err error) {
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case !d.IsDir() && d.Name() != ".git": // a file in a worktree of git's
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// strange says why a file has no place in the repository; empty where it has one. A symbolic link is as good as its
// text.
func strange(files fs.FS, name string) (string, error) {
	parts := strings.Split(name, "/")
	if slices.Contains(parts[:len(parts)-1], "testdata") {
		return "", nil
	}
	if ok, _ := path.Match("examples/*/data/", strings.Join(parts[:min(3, len(parts)-1)], "/")+"/"); ok {
		return "", nil
	}
	info, err := fs.Lstat(files, name)
	switch {
	case errors.Is(err, fs.ErrNotExist): // removed, and not committed yet
		return "", nil
	case err != nil:
		return "", err
	case info.Mode()&fs.ModeSymlink != 0:
		return "", nil
	case !info.Mode().IsRegular():
		return "is no regular file", nil
	}
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return "", err
	}
	switch {
	case parts[0] == "docs" && strings.HasPrefix(http.DetectContentType(data), "image/"):
		return "", nil
	case !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0:
		return "is not text: only test data, the data of examples and the pictures of docs may be anything else", nil
	case len(data) > largest:
		return fmt.Sprintf("has %d bytes: a file that is no test data has at most %d", len(data), largest), nil
	}
	return "", nil
}

// TestTreeComplains plants files, and says which of them must be found.
func TestTreeComplains(t *testing.T) {
	const elf, png = "\x7fELF\x02\x01\x01\x00", "\x89PNG\x0d\x0a\x1a\x0a\x00"
	large := strings.Repeat("x", largest+1)
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		".git/index": elf, "README.md": "# Grüße\n", "empty": "", "docs/top.png": png, "docs/svg/live.png": png,
		"examples/uci/data/digits.csv.gz": elf, "examples/uci/data/more/digits.csv": large,
		"internal/tracker/testdata/real/x.ckpt": elf, "internal/tracker/testdata/large.csv": large,
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	planted := map[string]string{
		"internal/executor/slurm/core": elf, "top.png": png, "docs/core": elf, "large.go": large, "docs/large.md": large,
		"data/x": elf, "examples/data/x": elf, "examples/uci/model/data/x": elf, "latin1.txt": "Gr\xfc\xdfe",
		"internal/testdata.bin": elf, "docs/testdata": elf,
	}
	for name, text := range planted {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	names, err := walked(files)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(names, ".git/index") {
		t.Error("what git keeps for itself is no part of the tree")
	}
	for _, name := range append(names, "removed") {
		why, err := strange(files, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, bad := planted[name]; bad != (why != "") {
			t.Errorf("%s: %q", name, why)
		}
	}
	fifo := fstest.MapFS{"pipe": {Mode: fs.ModeNamedPipe}, "link": {Mode: fs.ModeSymlink, Data: []byte("pipe")}}
	for name, bad := range map[string]bool{"pipe": true, "link": false} {
		if why, err := strange(fifo, name); err != nil || bad != (why != "") {
			t.Errorf("%s: %q, %v", name, why, err)
		}
	}
}
