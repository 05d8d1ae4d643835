package runsheet_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// module is the module path: what an import of our own begins with.
const module = "runsheet"

// A row is a line of the house: packages by their directory, which never import each other. Each may import what stands
// on an earlier line.
type row struct {
	dirs []string
	pure bool // no operating system, no network, no goroutines, no clock
}

// house is the order of the packages: from the nouns to the program. docs/architecture.md says what each is for.
var house = []row{
	{dirs: []string{"."}, pure: true},
	// thinking
	{dirs: []string{"internal/plan"}, pure: true},
	{dirs: []string{"internal/diagnose"}, pure: true},
	{dirs: []string{"internal/shell"}, pure: true},
	// disk
	{dirs: []string{"internal/durable"}},
	{dirs: []string{"internal/durable/fusetest"}},
	{dirs: []string{"internal/sheet"}},
	{dirs: []string{"internal/proc"}},
	{dirs: []string{"internal/record"}},
	{dirs: []string{"internal/record/recordtest"}},
	{dirs: []string{"internal/record/stage"}},
	{dirs: []string{"internal/tracker/protobuf"}},
	{dirs: []string{"internal/tracker/tfevents", "internal/tracker/wandblog"}},
	{dirs: []string{"internal/tracker"}},
	{dirs: []string{"internal/progress"}},
	{dirs: []string{"internal/journal"}},
	// machines
	{dirs: []string{"internal/forkserver"}},
	{dirs: []string{"internal/host"}},
	{dirs: []string{"internal/executor/local", "internal/executor/slurm"}},
	{dirs: []string{"internal/executor/exectest", "internal/executor/slurm/slurmtest"}},
	{dirs: []string{"internal/supervise"}},
	// loops
	{dirs: []string{"internal/observe"}},
	{dirs: []string{"internal/launcher"}},
	// faces
	{dirs: []string{"internal/report", "internal/check"}},
	{dirs: []string{"internal/tui"}},
	{dirs: []string{"internal/cli"}},
	{dirs: []string{"internal/front"}},
	{dirs: []string{"cmd/runsheet"}},
	// the proof: nothing of the above imports it
	{dirs: []string{"internal/prove/method"}},
	{dirs: []string{"internal/prove/hostile/bound"}},
	{dirs: []string{"internal/prove/mutants"}},
	{dirs: []string{"internal/prove/faultdisk"}},
	{dirs: []string{"internal/prove/scenario"}},
	{dirs: []string{"internal/prove/hostile", "internal/prove/readers", "internal/prove/sweep", "internal/prove/forget", "internal/prove/images", "internal/prove/nfs", "internal/prove/interleave", "internal/prove/storm", "internal/prove/history", "internal/prove/evidence", "internal/prove/unattended"}},
	{dirs: []string{"internal/prove"}},
}

// impure are the imports, with all below them, that a pure package may not have.
var impure = []string{
	"os", "io/fs", "io/ioutil", "net", "sync", "syscall", "runtime", "log", "unsafe", "plugin", "embed", "testing",
	"path/filepath", "golang.org/x/sys", "golang.org/x/sync",
}

// clockCalls are the functions of package time that read the clock or wait for it.
var clockCalls = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// makers are the packages, with all below them, that may make files by themselves: durable does it for all others, in the
// one way that follows no link and trusts no file of somebody else's. check tries what a file system can do, slurm copies
// this program, and the proof and the examples have files of their own.
var makers = []string{"internal/durable", "internal/check", "internal/executor/slurm", "internal/prove", "examples"}

// makerCalls are what makes a file in package os.
var makerCalls = []string{"O_CREATE", "Create", "CreateTemp", "Link", "Mkdir", "MkdirAll", "MkdirTemp", "Rename", "Symlink", "WriteFile"}

// TestLayout holds the source to the house. It reads the sources itself, so that a change of any of them is a change of
// what the test has read, and no cached result stands in for a new one. Files named _test.go are not held to the
// table: a test may import whatever shows that the package works.
func TestLayout(t *testing.T) {
	pkgs, err := load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, complaint := range inspect(house, pkgs) {
		t.Error(complaint)
	}
}

// A pkg is what the house is judged by: one directory with Go files that are not tests.
type pkg struct {
	dir, name string
	doc       string              // the package comment
	imports   map[string][]string // path, and the files that import it
	inits     []string            // where a func init stands
	worldly   []string            // where a goroutine is started or the clock is read
	making    []string            // where a file is made
}

// inspect returns what is wrong with the packages, in an order that depends on nothing but them.
func inspect(table []row, pkgs []pkg) (complaints []string) {
	say := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	line := map[string]int{}
	for i, r := range table {
		for _, dir := range r.dirs {
			if _, twice := line[dir]; twice {
				say("%s: stands twice in the house", dir)
			}
			line[dir] = i
		}
	}
	there := map[string]bool{}
	for _, p := range pkgs {
		there[p.dir] = true
		inspectText(p, say)
		own, known := line[p.dir]
		example := strings.HasPrefix(p.dir, "examples/")
		if !known && !example {
			say("%s: is missing from the house: give it a line in layout_test.go", p.dir)
			continue
		}
		if !below(p.dir, makers) {
			for _, at := range p.making {
				say("%s: only internal/durable makes files", at)
			}
		}
		for _, imported := range sortedKeys(p.imports) {
			files := strings.Join(p.imports[imported], ", ")
			dir, ours := within(imported)
			theirs, ok := line[dir]
			switch {
			case ours && example:
				say("%s: imports %s: an example knows nothing of ours", files, imported)
			case ours && !ok:
				say("%s: imports %s, which is not in the house", files, imported)
			case ours && theirs == own:
				say("%s: imports %s: packages of one line never import each other", files, imported)
			case ours && theirs > own:
				say("%s: imports %s, which stands on a later line than %s", files, imported, p.dir)
			case !ours && !example && table[own].pure && below(imported, impure):
				say("%s: imports %s: %s is pure", files, imported, p.dir)
			}
		}
		if !example && table[own].pure {
			for _, at := range p.worldly {
				say("%s: %s is pure", at, p.dir)
			}
		}
	}
	for _, r := range table {
		for _, dir := range r.dirs {
			if !there[dir] {
				say("%s: has a line in the house and no package: take the line out of layout_test.go", dir)
			}
		}
	}
	return complaints
}

// inspectText holds what is asked of every package, examples included.
func inspectText(p pkg, say func(string, ...any)) {
	switch {
	case p.doc == "":
		say("%s: has no package comment", p.dir)
	case p.name != "main" && !strings.HasPrefix(p.doc, "Package "+p.name+" "):
		say("%s: its package comment does not begin with %q", p.dir, "Package "+p.name)
	}
	for _, at := range p.inits {
		say("%s: an init: nothing is set up before the verb is known", at)
	}
}

// within returns the directory of a package of ours, and whether it is one.
func within(imported string) (dir string, ours bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// below says whether a path is one of roots or stands below one.
func below(imported string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return imported == root || strings.HasPrefix(imported, root+"/")
	})
}

func sortedKeys(m map[string][]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// load parses every package of the module, whatever its build constraints are. Like the go command it passes over
// testdata, nested modules, and what begins with a dot or an underscore.
func load(fsys fs.FS) ([]pkg, error) {
	byDir := map[string]*pkg{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := name != "." && strings.ContainsAny(path.Base(name)[:1], "._")
		if d.IsDir() {
			_, err := fs.Stat(fsys, path.Join(name, "go.mod"))
			if hidden || d.Name() == "testdata" || d.Name() == "vendor" || name != "." && !errors.Is(err, fs.ErrNotExist) {
				return fs.SkipDir
			}
			return nil
		}
		if hidden || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		p := byDir[path.Dir(name)]
		if p == nil {
			p = &pkg{dir: path.Dir(name), imports: map[string][]string{}}
			byDir[p.dir] = p
		}
		return p.read(fsys, name)
	})
	var pkgs []pkg
	for _, p := range byDir {
		pkgs = append(pkgs, *p)
	}
	slices.SortFunc(pkgs, func(a, b pkg) int { return strings.Compare(a.dir, b.dir) })
	return pkgs, err
}

// read adds one file to what is known of its package.
func (p *pkg) read(fsys fs.FS, name string) error {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	p.name = f.Name.Name
	p.doc += f.Doc.Text()
	clock, system := "", "" // what packages time and os are called in this file
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return fmt.Errorf("%s: import %s: %w", name, spec.Path.Value, err)
		}
		p.imports[imported] = append(p.imports[imported], name)
		called := path.Base(imported)
		if spec.Name != nil {
			called = spec.Name.Name
		}
		switch imported {
		case "time":
			clock = called
		case "os":
			system = called
		}
	}
	at := func(n ast.Node, what string) string { return set.Position(n.Pos()).String() + ": " + what }
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil {
				p.inits = append(p.inits, at(n, "func init"))
			}
		case *ast.GoStmt:
			p.worldly = append(p.worldly, at(n, "starts a goroutine"))
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && clock != "" && x.Name == clock && slices.Contains(clockCalls, n.Sel.Name) {
				p.worldly = append(p.worldly, at(n, "uses time."+n.Sel.Name))
			}
			if ok && system != "" && x.Name == system && slices.Contains(makerCalls, n.Sel.Name) {
				p.making = append(p.making, at(n, "uses os."+n.Sel.Name))
			}
		}
		return true
	})
	return nil
}

// TestLayoutComplains shows on small houses that every rule can fail, and that a good house passes.
func TestLayoutComplains(t *testing.T) {
	table := []row{
		{dirs: []string{"."}, pure: true},
		{dirs: []string{"internal/disk"}},
		{dirs: []string{"internal/a", "internal/b"}},
		{dirs: []string{"cmd/x"}},
	}
	good := map[string]string{
		"go.mod":                   "module runsheet",
		"doc.go":                   "// Package runsheet is pure.\npackage runsheet\n\nimport \"time\"\n\nvar Tick = time.Second\n",
		"any_test.go":              "package runsheet\n\nimport (\"os\"; \"runsheet/cmd/x\")\n",
		"internal/disk/disk.go":    "// Package disk writes.\npackage disk\n\nimport (\"os\"; \"runsheet\")\n",
		"internal/a/a.go":          "package a\n\nimport \"runsheet/internal/disk\"\n",
		"internal/a/doc.go":        "// Package a does a.\npackage a\n",
		"internal/b/b.go":          "// Package b does b.\npackage b\n\nfunc f() { go f() }\n",
		"internal/b/testdata/t.go": "package t\n",
		"internal/nested/go.mod":   "module other",
		"internal/nested/n.go":     "package nested\n",
		"cmd/x/main.go":            "// X is the program.\npackage main\n\nimport (\"runsheet/internal/a\"; \"runsheet/internal/b\")\n",
		"examples/e/main.go":       "// E is an example.\npackage main\n\nimport \"os\"\n",
		".hidden/h.go":             "package h\n",
	}
	for _, c := range []struct {
		name, file, text string // the file that is put in, or taken out where text is empty
		want             string // empty: no complaint
	}{
		{name: "good"},
		{"later line", "internal/disk/more.go", "package disk\n\nimport \"runsheet/internal/a\"\n", "internal/disk/more.go: imports runsheet/internal/a, which stands on a later line"},
		{"root imports ours", "more.go", "package runsheet\n\nimport \"runsheet/internal/disk\"\n", "more.go: imports runsheet/internal/disk, which stands on a later line"},
		{"one line", "internal/a/more.go", "package a\n\nimport \"runsheet/internal/b\"\n", "packages of one line never import each other"},
		{"behind a build constraint", "internal/a/more_windows.go", "//go:build windows\n\npackage a\n\nimport _ \"runsheet/cmd/x\"\n", "more_windows.go: imports runsheet/cmd/x, which stands on a later line"},
		{"missing from the table", "internal/new/new.go", "// Package new is new.\npackage new\n", "internal/new: is missing from the house"},
		{"import of what is not in the table", "internal/a/more.go", "package a\n\nimport \"runsheet/examples/e\"\n", "which is not in the house"},
		{"row without package", "internal/b/b.go", "", "internal/b: has a line in the house and no package"},
		{"only a test is left", "internal/b/b.go", "", "internal/b: has a line in the house and no package"},
		{"no comment", "internal/disk/disk.go", "package disk\n", "internal/disk: has no package comment"},
		{"a detached comment", "internal/disk/disk.go", "// Package disk writes.\n\npackage disk\n", "internal/disk: has no package comment"},
		{"another comment", "internal/disk/disk.go", "// Disk writes.\npackage disk\n", `does not begin with "Package disk"`},
		{"impure", "more.go", "package runsheet\n\nimport \"os/exec\"\n", "more.go: imports os/exec: . is pure"},
		{"not below os", "more.go", "package runsheet\n\nimport \"osmosis\"\n", ""},
		{"goroutine", "more.go", "package runsheet\n\nfunc f() { go f() }\n", "more.go:3:12: starts a goroutine: . is pure"},
		{"clock", "more.go", "package runsheet\n\nimport clock \"time\"\n\nvar f = clock.Now\n", "more.go:5:9: uses time.Now: . is pure"},
		{"init", "internal/b/more.go", "package b\n\nfunc init() {}\n", "internal/b/more.go:3:1: func init: an init"},
		{"a method may be called init", "internal/b/more.go", "package b\n\ntype t int\n\nfunc (t) init() {}\n", ""},
		{"makes a file", "internal/b/more.go", "package b\n\nimport \"os\"\n\nvar f = os.Create\n", "internal/b/more.go:5:9: uses os.Create: only internal/durable makes files"},
		{"opens a file to make it", "internal/b/more.go", "package b\n\nimport sys \"os\"\n\nvar f = 1 | sys.O_CREATE\n", "internal/b/more.go:5:13: uses os.O_CREATE"},
		{"removes a file", "internal/b/more.go", "package b\n\nimport \"os\"\n\nvar f = os.Remove\n", ""},
		{"an example makes a file", "examples/e/more.go", "package main\n\nimport \"os\"\n\nvar f = os.Create\n", ""},
		{"example imports ours", "examples/e/more.go", "package main\n\nimport \"runsheet\"\n", "an example knows nothing of ours"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, text := range good {
				fsys[name] = &fstest.MapFile{Data: []byte(text)}
			}
			if c.text != "" {
				fsys[c.file] = &fstest.MapFile{Data: []byte(c.text)}
			} else {
				delete(fsys, c.file)
			}
			if c.name == "only a test is left" {
				fsys["internal/b/b_test.go"] = &fstest.MapFile{Data: []byte("package b\n")}
			}
			pkgs, err := load(fsys)
			if err != nil {
				t.Fatal(err)
			}
			complaints := inspect(table, pkgs)
			if c.want == "" && len(complaints) == 0 {
				return
			}
			if len(complaints) != 1 || c.want == "" || !strings.Contains(complaints[0], c.want) {
				t.Errorf("got %q, want one with %q", complaints, c.want)
			}
		})
	}
	twice := inspect(append(table, row{dirs: []string{"internal/a"}}), nil)
	if !slices.Contains(twice, "internal/a: stands twice in the house") {
		t.Errorf("got %q", twice)
	}
}
