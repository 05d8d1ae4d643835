package cli

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"runsheet"
	"runsheet/internal/observe"
	"runsheet/internal/shell"
)

// selectionHelp says in the help of a command what selects runs.
const selectionHelp = `RUN is a run's name, its work dir, or a filter: parameters as model=mlp,cnn and statuses as status=failed,stuck.
Values may hold the wildcards * and ?. Words about the same parameters are alternatives; what other words say must hold
as well: model=mlp seed=0 seed=1 status=failed.`

// A selection is what the words of a command line select of the runs of a sheet.
type selection struct {
	runs     []int             // by their names and parameters, in the order of the sheet
	statuses []runsheet.Status // of these alone; nil: whatever their status
	words    []string
}

// has says whether a status is one that was asked for.
func (s selection) has(status runsheet.Status) bool {
	return s.statuses == nil || slices.Contains(s.statuses, status)
}

// includes says whether the words select a run that the sheet no longer has.
func (s selection) includes(r runsheet.Observed) bool {
	alone, err := selectRuns([]runsheet.Run{*r.Run}, s.words)
	return err == nil && len(alone.runs) > 0 && s.has(r.Status)
}

// none says that no run has the status that was asked for.
func (s selection) none() string {
	words := make([]string, len(s.statuses))
	for i, status := range s.statuses {
		words[i] = string(status)
	}
	return "no run that is selected is " + strings.Join(words, " or ")
}

// selectRuns returns what words select. Each word but those about statuses selects runs by some of their parameters, all of
// them where it is a name. Of words about the same parameters a run needs one, of the others all. No words select all runs;
// a word that selects nothing is an error, and so are words that nothing has all of.
func selectRuns(runs []runsheet.Run, words []string) (selection, error) {
	s := selection{words: words}
	found := map[string]map[int]bool{} // by the parameters that words are about, what they select
	for _, word := range words {
		statuses, ok, err := statusWord(runs, word)
		if err != nil {
			return s, err
		}
		if ok {
			s.statuses = append(s.statuses, statuses...)
			continue
		}
		about, which := matching(runs, word)
		if len(which) == 0 {
			return s, usage(fmt.Errorf("no run is named %q, or has these parameters", word), nearest(runs, word))
		}
		if found[about] == nil {
			found[about] = map[int]bool{}
		}
		for _, i := range which {
			found[about][i] = true
		}
	}
	for i := range runs {
		holds := true
		for _, selected := range found {
			holds = holds && selected[i]
		}
		if holds {
			s.runs = append(s.runs, i)
		}
	}
	if len(s.runs) == 0 && len(found) > 0 {
		return s, usage(fmt.Errorf("no run has all of this: %s", strings.Join(words, " ")),
			"words about the same parameters are alternatives, and those about others must hold as well; `runsheet status` lists the runs")
	}
	return s, nil
}

// statusWord reads status=failed,stuck. A sheet's own parameter of that name goes first.
func statusWord(runs []runsheet.Run, word string) (statuses []runsheet.Status, ok bool, err error) {
	list, ok := strings.CutPrefix(word, "status=")
	if !ok || isParameter(runs, "status") {
		return nil, false, nil
	}
	for part := range strings.SplitSeq(list, ",") {
		if !slices.Contains(runsheet.Statuses, runsheet.Status(part)) {
			var all []string
			for _, status := range runsheet.Statuses {
				all = append(all, string(status))
			}
			return nil, true, usage(fmt.Errorf("there is no status %q", part), "choose among "+strings.Join(all, ", "))
		}
		statuses = append(statuses, runsheet.Status(part))
	}
	return statuses, true, nil
}

// isParameter says whether any run has a parameter of that name.
func isParameter(runs []runsheet.Run, key string) bool {
	return slices.ContainsFunc(runs, func(r runsheet.Run) bool {
		_, ok := r.Value(key)
		return ok
	})
}

// matching returns the runs that a word selects, and the parameters that it is about: all of them where it is a name.
func matching(runs []runsheet.Run, word string) (about string, which []int) {
	for i, r := range runs {
		if r.Name == word || r.Shown == strings.TrimSuffix(word, "/") || r.WorkDir == filepath.Clean(word) {
			return keysOf(r), []int{i}
		}
	}
	if conditions, ok := parseConditions(word); ok {
		for i, r := range runs {
			if conditions.hold(r) {
				which = append(which, i)
			}
		}
		if which != nil {
			return conditions.about(), which
		}
	}
	for i, r := range runs {
		if ok, err := path.Match(word, r.Name); err == nil && ok {
			about, which = keysOf(r), append(which, i)
		}
	}
	return about, which
}

func keysOf(r runsheet.Run) string {
	var keys []string
	for _, p := range r.Params {
		keys = append(keys, p.Key)
	}
	slices.Sort(keys)
	return strings.Join(keys, ",")
}

// conditions are those of one word: of each parameter the values that will do.
type conditions map[string][]string

// parseConditions reads k=v,k=v. What has no = is one more value of the parameter before it.
func parseConditions(word string) (c conditions, ok bool) {
	c = conditions{}
	var last string
	for part := range strings.SplitSeq(word, ",") {
		key, value, ok := strings.Cut(part, "=")
		switch {
		case ok:
			last = key
		case last == "" || part == "*": // a pattern of names
			return nil, false
		default:
			value = part
		}
		c[last] = append(c[last], value)
	}
	return c, true
}

func (c conditions) about() string {
	var keys []string
	for key := range c {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return strings.Join(keys, ",")
}

// hold says whether a run has one of the values of each parameter.
func (c conditions) hold(r runsheet.Run) bool {
	for key, wants := range c {
		value, has := r.Value(key)
		if !has || !slices.ContainsFunc(wants, func(want string) bool {
			match, err := path.Match(want, value)
			return value == want || err == nil && match
		}) {
			return false
		}
	}
	return true
}

// nearest is the hint for a word that selects nothing.
func nearest(runs []runsheet.Run, word string) string {
	if len(runs) == 0 {
		return "the sheet has no runs"
	}
	for _, r := range runs {
		if strings.Contains(r.Name, word) {
			return fmt.Sprintf("did you mean %q? `runsheet status` lists the names", r.Name)
		}
	}
	return fmt.Sprintf("names look like %q; `runsheet status` lists them; %q would select all of them", runs[0].Name, firstParam(runs[0]))
}

func firstParam(r runsheet.Run) string {
	if len(r.Params) == 0 {
		return r.Name
	}
	return r.Params[0].Key + "=*"
}

// only returns a sheet with some of its runs alone.
func only(s *runsheet.Sheet, which []int) *runsheet.Sheet {
	some := *s
	some.Runs = make([]runsheet.Run, len(which))
	for k, i := range which {
		some.Runs[k] = s.Runs[i]
	}
	return &some
}

// now narrows a selection down to the runs that have one of its statuses now.
func (s selection) now(ctx context.Context, env Env, o *observe.Observer, of *runsheet.Sheet) []int {
	if s.statuses == nil || len(s.runs) == 0 {
		return s.runs
	}
	var out []int
	for k, r := range snapshotOf(ctx, env, o, of, s, (*observe.Observer).Brief).Runs {
		if s.has(r.Status) {
			out = append(out, s.runs[k])
		}
	}
	return out
}

// completeRuns completes the names of runs for the shell.
func completeRuns(env Env, sheetFlag *string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		sheet, err := loadSheet(env, *sheetFlag)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names := make([]string, len(sheet.Runs))
		for i, r := range sheet.Runs {
			names[i] = r.Name
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// sheetOfRuns loads the sheet of a command whose arguments are runs. One of them that is a sheet was meant for -s.
func sheetOfRuns(cmd *cobra.Command, env Env, name string, args []string) (*runsheet.Sheet, error) {
	for i, a := range args {
		if info, err := os.Stat(sheetPath(env, a)); !isYAML(a) || err != nil || info.IsDir() {
			continue
		}
		words := []string{"runsheet", cmd.Name(), "-s", shell.Argument(a)}
		for _, other := range slices.Delete(slices.Clone(args), i, i+1) {
			words = append(words, shell.Argument(other))
		}
		return nil, usage(fmt.Errorf("%s is a sheet, and %s takes runs", a, cmd.Name()), "name it with -s: `"+strings.Join(words, " ")+"`")
	}
	return loadSheet(env, name)
}
