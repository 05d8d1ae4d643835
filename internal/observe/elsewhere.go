package observe

import (
	"context"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/durable"
)

// Elsewhere is a framework that writes its metrics where nobody looks for them: outside of the work dirs.
type Elsewhere struct {
	Framework string
	Seen      string // what it left, absolute; empty: nothing was found
	Script    string // the script of the command, as that names it; where nothing was found, the script imports the framework
	Option    string // how it is told to write into the work dir, in words
	Cwd       bool   // it writes there as well where the command runs there
}

// framework is how a framework is known, and how it is told where to write.
type framework struct {
	name    string
	option  string
	modules []string // that scripts import
	traces  []trace  // what it leaves in the directory that it runs in
}

// trace is a pattern of paths.
type trace struct {
	pattern string
	unread  bool // it would not be read in a work dir either
}

var frameworks = []framework{
	{"Lightning", "`Trainer(default_root_dir=...)`", []string{"lightning", "pytorch_lightning"}, []trace{{"lightning_logs", false}}},
	{"TensorBoard", "`SummaryWriter(log_dir=...)`", []string{"torch.utils.tensorboard", "tensorboardX"}, []trace{{"runs/*/events.out.tfevents.*", false}}},
	{"MLflow", "`MLFLOW_TRACKING_URI=file:{work_dir}/mlruns MLFLOW_ALLOW_FILE_STORE=true` before the command", []string{"mlflow"},
		[]trace{{"mlruns", false}, {"mlflow.db", true}}},
	{"W&B", "`WANDB_DIR={work_dir}` before the command", []string{"wandb"}, []trace{{"wandb", false}}},
	{"CatBoost", "`train_dir=...`", []string{"catboost"}, []trace{{"catboost_info", false}}},
	{"Hydra", "`hydra.run.dir={work_dir}` behind the command", []string{"hydra"}, []trace{{"outputs/*/*/.hydra", false}, {"multirun", false}}},
}

// FindElsewhere returns the frameworks that wrote beside the work dirs of runs while these ran; where there are none, those
// that the scripts of their commands import. It looks into the working directories of the commands, as far as they are not
// the work dirs, and reads nothing else.
func FindElsewhere(ctx context.Context, disk durable.Disk, runs []runsheet.Observed) (all []Elsewhere) {
	e := elsewhere{disk: disk, since: map[string]time.Time{}, commands: map[string]string{}}
	for _, o := range runs {
		e.add(o)
	}
	for _, dir := range e.dirs {
		found, _, _ := Try(ctx, dir, Patience, func() []Elsewhere { return e.in(dir) })
		for _, f := range found {
			if !slices.ContainsFunc(all, func(have Elsewhere) bool { return have.Framework == f.Framework }) {
				all = append(all, f)
			}
		}
	}
	return all
}

// maxElsewhere is how many working directories are looked into.
const maxElsewhere = 8

type elsewhere struct {
	disk     durable.Disk
	dirs     []string
	since    map[string]time.Time // when the first command began there; zero: nobody knows
	commands map[string]string    // one that ran there
	workDirs []string
}

// add takes in where a run worked.
func (e *elsewhere) add(o runsheet.Observed) {
	e.workDirs = append(e.workDirs, o.Run.WorkDir)
	dir, command := o.Run.Dir, o.Run.Command
	if o.Claim != nil {
		dir, command = o.Claim.Dir, o.Claim.Command
	}
	if dir == "" || within(dir, o.Run.WorkDir) {
		return
	}
	began := time.Time{}
	if o.Start != nil {
		began = o.Start.At
	}
	if known, ok := e.since[dir]; !ok && len(e.dirs) < maxElsewhere {
		e.dirs, e.since[dir], e.commands[dir] = append(e.dirs, dir), began, command
	} else if ok && began.Before(known) {
		e.since[dir] = began
	}
}

// within says whether path is dir or lies below it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// in looks into one directory.
func (e *elsewhere) in(dir string) (found []Elsewhere) {
	script, modules := e.imports(dir)
	for _, f := range frameworks {
		for _, t := range f.traces {
			if seen := e.find(dir, t.pattern); seen != "" {
				found = append(found, Elsewhere{Framework: f.name, Seen: seen, Script: script, Option: f.option, Cwd: !t.unread})
				break
			}
		}
	}
	if len(found) > 0 {
		return found
	}
	for _, f := range frameworks {
		if slices.ContainsFunc(modules, func(m string) bool {
			return slices.ContainsFunc(f.modules, func(of string) bool { return m == of || strings.HasPrefix(m, of+".") })
		}) {
			unread := slices.ContainsFunc(f.traces, func(t trace) bool { return t.unread })
			found = append(found, Elsewhere{Framework: f.name, Script: script, Option: f.option, Cwd: !unread})
		}
	}
	return found
}

// find returns what a pattern matches below dir, outside of all work dirs, and changed since the runs began: the directory
// that holds it, where the pattern has several parts. Empty: there is none.
func (e *elsewhere) find(dir, pattern string) string {
	paths := []string{dir}
	for part := range strings.SplitSeq(pattern, "/") {
		var next []string
		for _, p := range paths {
			entries, err := e.disk.ReadDir("elsewhere", p)
			if err != nil {
				continue
			}
			for _, entry := range entries {
				at := filepath.Join(p, entry.Name())
				if ok, _ := path.Match(part, entry.Name()); ok && !slices.Contains(e.workDirs, at) {
					next = append(next, at)
				}
			}
		}
		paths = next
	}
	for _, p := range paths {
		switch {
		case !e.changed(p, e.since[dir], 2):
		case strings.Contains(pattern, "/"):
			return filepath.Dir(p)
		default:
			return p
		}
	}
	return ""
}

// changed says whether something changed since, in a path or in what lies depth levels below it.
func (e *elsewhere) changed(p string, since time.Time, depth int) bool {
	info, err := e.disk.Lstat("elsewhere", p)
	if err != nil || slices.Contains(e.workDirs, p) {
		return false
	}
	// The clock of a file server may be behind ours, and stamps may have no digits below the second.
	if !info.ModTime().Before(since.Add(-2 * time.Second)) {
		return true
	}
	if !info.IsDir() || depth == 0 {
		return false
	}
	entries, err := e.disk.ReadDir("elsewhere", p)
	return err == nil && slices.ContainsFunc(entries, func(entry fs.DirEntry) bool {
		return e.changed(filepath.Join(p, entry.Name()), since, depth-1)
	})
}

// maxScript is the largest script that is read, in bytes.
const maxScript = 1 << 20

var importLine = regexp.MustCompile(`(?m)^[ \t]*(?:from[ \t]+([\w.]+)|import[ \t]+([^#\n]+))`)

// imports returns the first script of Python that the command in dir names, and the modules that it imports.
func (e *elsewhere) imports(dir string) (script string, modules []string) {
	words := strings.FieldsFunc(e.commands[dir], func(r rune) bool { return strings.ContainsRune(" \t\n\"'`;&|<>()=", r) })
	for _, w := range words {
		if !strings.HasSuffix(w, ".py") {
			continue
		}
		at := w
		if !filepath.IsAbs(at) {
			at = filepath.Join(dir, w)
		}
		data, _, err := durable.Read(e.disk, "elsewhere", at, maxScript)
		if err != nil {
			continue
		}
		for _, m := range importLine.FindAllSubmatch(data, -1) {
			for name := range strings.SplitSeq(string(m[1])+","+string(m[2]), ",") {
				if words := strings.Fields(name); len(words) > 0 { // NAME as OTHER
					modules = append(modules, words[0])
				}
			}
		}
		return w, modules
	}
	return "", nil
}
