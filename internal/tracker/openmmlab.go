package tracker

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"runsheet"
)

// What the trackers mmengine and mmcv share: both frameworks leave their files in the directory --work-dir, which is the
// work dir itself or, as their training scripts have it where nobody says otherwise, work_dirs/<config> below it.

const (
	mmWorkDirs    = "work_dirs"
	mmStamp       = "20060102_150405"
	maxMMWorkDirs = 64
	maxMMConfigs  = 4
)

// mmDirs lists the directories, at most so many, that may be the --work-dir of a training.
func (ev *Evidence) mmDirs(most int) []string {
	dirs := []string{"."}
	if !ev.has(".", mmWorkDirs) {
		return dirs
	}
	entries, _ := ev.List(mmWorkDirs) // what cannot be listed is told by whoever reads there
	for _, e := range entries[max(0, len(entries)-most):] {
		if e.Dir {
			dirs = append(dirs, path.Join(mmWorkDirs, e.Name))
		}
	}
	return dirs
}

// mmStamped says whether a text is the time of a launch, as 20260102_030405.
func mmStamped(text string) bool {
	if len(text) != len(mmStamp) || text[8] != '_' {
		return false
	}
	_, err := time.Parse(mmStamp, text)
	return err == nil
}

// mmParts lists the directories that have launches.
func mmParts(ev *Evidence, launches func(dir string) []string) []string {
	return slices.DeleteFunc(ev.mmDirs(maxParts), func(dir string) bool { return len(launches(dir)) == 0 })
}

// mmNewest returns the directory of which the last launch is the latest by its name, and its launches, in order.
func mmNewest(ev *Evidence, launches func(dir string) []string) (string, []string) {
	dir, all := "", []string(nil)
	for _, d := range ev.mmDirs(maxMMWorkDirs) {
		if found := launches(d); len(found) > 0 && (all == nil || path.Base(found[len(found)-1]) > path.Base(all[len(all)-1])) {
			dir, all = d, found
		}
	}
	return dir, all
}

// mmConfigs lists the configurations that were dumped into a directory, the latest first.
func (ev *Evidence) mmConfigs(dir string) []string {
	entries, _ := ev.List(dir) // what cannot be listed is told by whoever reads there
	var out []string
	for _, e := range entries {
		if !e.Dir && strings.HasSuffix(e.Name, ".py") {
			out = append(out, path.Join(dir, e.Name))
		}
	}
	out = ev.byChange(out)
	return out[:min(len(out), maxMMConfigs)]
}

// mmConfig reads a dumped configuration, which becomes a witness; "" where there is none.
func (ev *Evidence) mmConfig(rel string) (string, error) {
	ev.Witness(rel)
	if st, err := ev.Look(rel); err != nil || st.Kind != Regular || st.Size > maxConfig {
		return "", err
	}
	data, err := ev.readAll(rel, maxConfig)
	if err != nil && !absent(err) {
		return "", err
	}
	return string(data), nil
}

// mmSince returns from when on checkpoints are of the launch that wrote its configuration when it began, and its last row at
// changed: a row that a kill cut off may have been written after the checkpoint of an epoch before.
func (ev *Evidence) mmSince(config string, changed int64) int64 {
	ev.Witness(config)
	if st, err := ev.Look(config); err == nil && st.Kind == Regular {
		return min(changed, st.MTime)
	}
	return changed
}

// mmSaved returns the highest number of the checkpoints <prefix><N>.pth in a directory that are no older than what was
// written at the given time; 0: there is none.
func (ev *Evidence) mmSaved(dir, prefix string, after int64) int64 {
	entries, _ := ev.List(dir)
	var highest int64
	for _, e := range entries {
		n, ok := mmCheckpoint(e.Name, prefix)
		if !ok || n <= highest {
			continue
		}
		if st, err := ev.Look(path.Join(dir, e.Name)); err == nil && st.MTime >= after {
			highest = n
		}
	}
	return highest
}

// mmCheckpoint reads the number out of a checkpoint's name.
func mmCheckpoint(name, prefix string) (int64, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, ".pth")
	if !ok || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	return parseCount(digits)
}

var pyNumber = regexp.MustCompile(`^-?\d+`)

// pySet returns what a name is set to at the beginning of a line of Python, and whether it is: the last one counts. It is
// the text from behind the "=" on.
func pySet(text, name string) (string, bool) {
	for end := len(text); ; {
		i := strings.LastIndex(text[:end], name)
		if i < 0 {
			return "", false
		}
		end = i
		rest, ok := strings.CutPrefix(strings.TrimLeft(text[i+len(name):], " "), "=")
		if (i == 0 || text[i-1] == '\n') && ok && !strings.HasPrefix(rest, "=") {
			return strings.TrimLeft(rest, " "), true
		}
	}
}

// pyInt returns the number that a text of Python begins with, and whether it is a count.
func pyInt(text string) (int64, bool) { return parseCount(pyNumber.FindString(text)) }

// pyArgs returns the arguments of the call dict(...) that a text begins with, by their names: those that are numbers and
// words without quotes. Brackets and texts in between are passed over. A call without its end has none: it may be cut.
func pyArgs(text string) map[string]string {
	text, ok := strings.CutPrefix(text, "dict(")
	if !ok {
		return nil
	}
	out := map[string]string{}
	depth, from := 0, 0
	argument := func(to int) {
		if name, value, ok := strings.Cut(text[from:to], "="); ok && len(out) < maxMetrics {
			out[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
		from = to + 1
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				argument(i)
				return out
			}
		case ',':
			if depth == 0 {
				argument(i)
			}
		case '\'', '"':
			for i++; i < len(text) && text[i] != c && text[i] != '\n'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		}
	}
	return nil
}

// mmRow takes the metrics out of a row: all numbers but those that say where the training is.
func mmRow(r row, without ...string) runsheet.Metrics {
	out := runsheet.Metrics{}
	for name, v := range r.num {
		if !slices.Contains(without, name) {
			out[name] = v
		}
	}
	return out
}
