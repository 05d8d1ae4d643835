package evidence

import (
	"os"
	"path/filepath"
	"strings"

	"runsheet"
)

// workDir is where the scripts take place.
const workDir = "/work"

// script is what training code does to its evidence, one step at a time.
type script struct {
	name string
	spec runsheet.ProgressSpec
	// setup is what was there before anybody looked.
	setup []step
	steps []step
}

// step is one change of the evidence that nobody sees half done, or the end of an attempt.
type step struct {
	what string
	path string // what it changes, below the work dir; "": nothing
	// names: it makes, removes or moves a name, so that the directory changes as well.
	names bool
	do    func(m *memory)
	// count is the highest count that the training code has reached by then: nobody may be told more.
	count int64
	end   end
}

// end is how an attempt ends.
type end int

const (
	goesOn  end = iota
	killed      // and the next steps are those of the next attempt
	exited      // with 0
	claimed     // the next attempt, after one that has exited with 0: until then a last line without an end is one
)

func (s step) abs() string { return filepath.Join(workDir, s.path) }

// concerns says whether it makes a difference to a reader's operation whether the step was before or after it.
func (s step) concerns(o op) bool {
	at := s.abs()
	return o.path == "" || o.path == at || strings.HasPrefix(o.path, at+"/") || s.names && o.path == filepath.Dir(at)
}

// quietly does what no reader does.
func quietly(do func(m *memory) error) func(*memory) {
	return func(m *memory) {
		before := m.before
		m.before = nil
		defer func() { m.before = before }()
		if err := do(m); err != nil {
			panic(err) // a script that cannot be played is a mistake in the table
		}
	}
}

// write changes a file that is open at path: flag is as of open(2).
func (m *memory) write(path string, flag int, change func(f *file, size int64) error) error {
	f, err := m.Open("", filepath.Join(workDir, path), flag, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	return change(f.(*file), int64(len(f.(*file).i.data)))
}

// adds appends text to a file, which it makes where there is none.
func adds(what, path, text string) step {
	return step{what: what, path: path, names: true, do: quietly(func(m *memory) error {
		return m.write(path, os.O_WRONLY|os.O_CREATE, func(f *file, size int64) error {
			_, err := f.WriteAt([]byte(text), size)
			return err
		})
	})}
}

// opens is open('w'): the file is empty, and keeps its inode.
func opens(path string) step {
	return step{what: "open('w')", path: path, names: true, do: quietly(func(m *memory) error {
		return m.write(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, func(*file, int64) error { return nil })
	})}
}

// pokes writes text at off, in place.
func pokes(what, path, text string, off int64) step {
	return step{what: what, path: path, do: quietly(func(m *memory) error {
		return m.write(path, os.O_WRONLY, func(f *file, _ int64) error {
			_, err := f.WriteAt([]byte(text), off)
			return err
		})
	})}
}

// grows makes a file longer by zeros, as a power cut or a seek leaves them.
func grows(path string, by int64) step {
	return step{what: "a hole", path: path, do: quietly(func(m *memory) error {
		return m.write(path, os.O_WRONLY, func(f *file, size int64) error { return f.Truncate(size + by) })
	})}
}

// replaces renames a new file over the old one.
func replaces(what, path, text string) step {
	return step{what: what, path: path, names: true, do: quietly(func(m *memory) error {
		tmp := filepath.Join(filepath.Dir(path), ".new")
		if err := m.write(tmp, os.O_WRONLY|os.O_CREATE, func(f *file, _ int64) error { _, err := f.WriteAt([]byte(text), 0); return err }); err != nil {
			return err
		}
		return m.Rename("", filepath.Join(workDir, tmp), filepath.Join(workDir, path))
	})}
}

// makes makes a directory, where there is none.
func makes(path string) step {
	return step{what: "mkdir " + filepath.Base(path), path: path, names: true, do: quietly(func(m *memory) error {
		if m.at(filepath.Join(workDir, path)) != nil {
			return nil
		}
		return m.Mkdir("", filepath.Join(workDir, path), 0o755)
	})}
}

// removes removes a file, or a directory with all below it.
func removes(path string) step {
	return step{what: "rm -r " + filepath.Base(path), path: path, names: true, do: quietly(func(m *memory) error {
		return m.Remove("", filepath.Join(workDir, path))
	})}
}

// ends is the end of an attempt.
func ends(how end) step {
	what := "killed"
	if how == exited {
		what = "exit 0"
	}
	return step{what: what, end: how, do: func(*memory) {}}
}

// stands is a file that was there before, with the directories above it.
func stands(path, text string) step {
	return step{what: "before", path: path, do: quietly(func(m *memory) error {
		if err := m.directories(filepath.Dir(path)); err != nil {
			return err
		}
		return m.write(path, os.O_WRONLY|os.O_CREATE, func(f *file, _ int64) error { _, err := f.WriteAt([]byte(text), 0); return err })
	})}
}

// directories makes a directory below the work dir and those above it.
func (m *memory) directories(path string) error {
	at := filepath.Join(workDir, path)
	if m.at(at) != nil {
		return nil
	}
	if at != workDir {
		if err := m.directories(filepath.Dir(path)); err != nil {
			return err
		}
	}
	return m.Mkdir("", at, 0o755)
}

// reaching says which count is reached once the step is done.
func (s step) reaching(count int64) step {
	s.count = count
	return s
}

// counted fills in the claims, and the counts: what was reached stays reached.
func (s script) counted() script {
	var steps []step
	for _, st := range s.steps {
		if steps = append(steps, st); st.end == exited {
			steps = append(steps, step{what: "the next attempt is claimed", end: claimed, do: func(*memory) {}})
		}
	}
	s.steps = steps
	var most int64
	for _, before := range s.setup {
		most = max(most, before.count)
	}
	for i := range s.steps {
		most = max(most, s.steps[i].count)
		s.steps[i].count = most
	}
	return s
}

// reached is the count that was reached after the first n steps.
func (s script) reached(n int) (most int64) {
	for _, before := range s.setup {
		most = max(most, before.count)
	}
	if n > 0 {
		most = max(most, s.steps[n-1].count)
	}
	return most
}
