package tracker

import (
	"io/fs"
	"path"
)

// Entry is a name in a directory.
type Entry struct {
	Name string
	Dir  bool // a directory, or a link to one
}

// maxEntries is how many names of one directory are taken in.
const maxEntries = 200_000

// List returns the names in a directory below the work dir, in order, and names the directory as a witness: what is
// made or removed in it is noticed. It is empty where there is no such directory. Hidden names are left out.
func (ev *Evidence) List(rel string) ([]Entry, error) {
	ev.Witness(rel)
	if l, ok := ev.lists[rel]; ok {
		return l, nil
	}
	st, err := ev.Look(rel)
	if err != nil || st.Kind != Directory {
		return nil, err
	}
	entries, err := ev.disk.ReadDir("progress", ev.abs(rel))
	if err != nil {
		if absent(err) {
			return nil, nil
		}
		return nil, unreadable(rel, err)
	}
	out := make([]Entry, 0, len(entries))
	for _, e := range entries[:min(len(entries), maxEntries)] {
		if e.Name()[0] == '.' {
			continue
		}
		dir := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			to, err := ev.Look(path.Join(rel, e.Name()))
			dir = err == nil && to.Kind == Directory
		}
		out = append(out, Entry{e.Name(), dir})
	}
	ev.lists[rel] = out
	return out, nil
}

// has says whether there is something of that name in a directory below the work dir, by its listing.
func (ev *Evidence) has(dir, name string) bool {
	entries, _ := ev.List(dir) // what cannot be listed is told by whoever reads there
	for _, e := range entries {
		if e.Name == name {
			return true
		}
	}
	return false
}
