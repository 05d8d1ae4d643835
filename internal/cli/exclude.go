package cli

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"runsheet"
	"runsheet/internal/record"
	"runsheet/internal/shell"
)

// mostEntries is how many entries of `exclude` a hint writes out.
const mostEntries = 3

// skipHint says how runs that were stopped are skipped for good, as a stopped run keeps its sheet from being finished, and how
// they go on. which are those of the sheet's runs that were stopped, by words. It is empty where nobody is to edit the sheet.
func skipHint(s *runsheet.Sheet, which []int, words []string) string {
	if len(which) == 0 || len(which) >= len(s.Runs) || filepath.Base(filepath.Dir(s.Path)) == record.DirName {
		return ""
	}
	on := "`runsheet retry"
	for _, word := range words {
		if !strings.HasPrefix(word, "status=") {
			on += " " + shell.Argument(word)
		}
	}
	it, file := "it", filepath.Base(s.Path)
	if len(which) > 1 || on == "`runsheet retry" {
		on += " status=stopped"
	}
	on += "`"
	if len(which) > 1 {
		it = "them"
	}
	if slices.ContainsFunc(which, func(i int) bool { return i >= s.Product }) {
		return "to skip " + it + " for good, take " + it + " out of " + file + "; " + on + " lets " + it + " go on"
	}
	entries := exclusion(s.Runs[:s.Product], which)
	more := ""
	if len(entries) > mostEntries {
		entries, more = entries[:mostEntries], ", ..."
	}
	return "to skip " + it + " for good, write `exclude: [" + strings.Join(entries, ", ") + more + "]` into " + file + "; " + on + " lets " + it + " go on"
}

// exclusion returns the entries of `exclude` that take these runs away and no others: one of the parameters that all of them
// have in common, where that is enough, or one for each run.
func exclusion(all []runsheet.Run, which []int) []string {
	common := slices.Clone(all[which[0]].Params)
	for _, i := range which {
		common = slices.DeleteFunc(common, func(p runsheet.Param) bool {
			v, ok := all[i].Value(p.Key)
			return !ok || v != p.Value
		})
	}
	taken := 0
	for _, r := range all {
		if !slices.ContainsFunc(common, func(p runsheet.Param) bool {
			v, ok := r.Value(p.Key)
			return !ok || v != p.Value
		}) {
			taken++
		}
	}
	if taken == len(which) {
		return []string{flow(common)}
	}
	var entries []string
	for _, i := range which {
		entries = append(entries, flow(all[i].Params))
	}
	return entries
}

// plainText is what YAML takes as it stands inside of braces.
var plainText = regexp.MustCompile(`^[A-Za-z0-9_.+/][A-Za-z0-9_.+/-]*$`)

// flow writes parameters as a mapping of YAML on one line.
func flow(params []runsheet.Param) string {
	var parts []string
	for _, p := range params {
		value := p.Value
		if !plainText.MatchString(value) {
			value = "'" + strings.ReplaceAll(value, "'", "''") + "'"
		}
		parts = append(parts, p.Key+": "+value)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
