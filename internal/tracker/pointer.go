package tracker

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

const maxPointer = 64 << 10 // bytes of a file that names a checkpoint

// pointer reads the small file that names the checkpoint which was saved last, as it is rewritten in place once that one
// is whole; "" where there is none. One in which sane sees no sense is read again while it may still be being written;
// then whoever asked has to look at the checkpoints themselves.
func (ev *Evidence) pointer(rel string, sane func(text string) bool) (string, error) {
	ev.Witness(rel)
	if text, ok := ev.pointers[rel]; ok {
		return text, nil
	}
	text := ""
	moving, err := ev.steadily(rel, func() error {
		text = ""
		if st, err := ev.Look(rel); err != nil || st.Kind == Absent {
			return err
		}
		data, err := ev.readAll(rel, maxPointer)
		if err != nil {
			if absent(err) {
				return nil // removed in between, as the witness will show
			}
			return err
		}
		if text = strings.Trim(string(data), " \t\r\n\x00"); !sane(text) { // NULs are what a power cut leaves of it
			return ev.broken(rel, &syntaxError{what: "it names no checkpoint"})
		}
		return nil
	})
	ev.moving = ev.moving || moving
	if isBroken(err) {
		err = nil
	}
	if err == nil {
		ev.pointers[rel] = text // whoever asks twice in one reading is told the same
	}
	return text, err
}

// saved is what the pointer in a directory and the checkpoints beside it, <prefix><N>, say.
type saved struct {
	count int64
	marks pace
}

// savedSteps reads a pointer whose text is lead and the count of a checkpoint beside it, which are directories <prefix><N>,
// and says whether there is that. Where the text was cut, the highest of the checkpoints counts: the pointer is written
// anew when that one is whole.
func (ev *Evidence) savedSteps(rel, lead string, prefixes ...string) (saved, bool, error) {
	var s saved
	dir := path.Dir(rel)
	if !ev.has(dir, path.Base(rel)) {
		return s, false, nil
	}
	var all []numbered
	for _, prefix := range prefixes {
		found, err := ev.numbered(dir, prefix)
		if err != nil {
			return s, false, err
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		return s, false, nil
	}
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Compare(a.n, b.n) })
	beside := func(text string) (int64, bool) {
		n, _ := parseCount(strings.TrimPrefix(text, lead))
		return n, slices.ContainsFunc(all, func(c numbered) bool { return c.n == n })
	}
	foreign := func(text string) bool { // no beginning of such a text
		return !strings.HasPrefix(lead, text) && (!strings.HasPrefix(text, lead) || strings.Trim(text[len(lead):], "0123456789") != "")
	}
	text, err := ev.pointer(rel, func(text string) bool { _, ok := beside(text); return ok || foreign(text) })
	if err != nil || foreign(text) {
		return s, false, err
	}
	var ok bool
	if s.count, ok = beside(text); !ok {
		s.count = max(s.count, all[len(all)-1].n) // that of a checkpoint that was deleted is the larger one
	}
	for _, c := range all[max(0, len(all)-maxMarks):] {
		if c.n > s.count {
			break
		}
		st, err := ev.Look(path.Join(dir, c.Name))
		if err != nil {
			return s, false, err
		}
		s.marks.see(stampTime(st.MTime), c.n)
	}
	return s, true, nil
}
