package cli

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"runsheet"
)

// selectRuns returns the indices of the runs that the patterns name, in the order of the sheet. A pattern is a run's
// name, its work dir, or parameters as `model=mlp,seed=*`, which select every run that has them; values may hold the
// wildcards * and ?. A pattern that selects nothing is an error.
func selectRuns(runs []runsheet.Run, patterns []string) ([]int, error) {
	var out []int
	for _, p := range patterns {
		found := matching(runs, p)
		if len(found) == 0 {
			return nil, usage(fmt.Errorf("no run is named %q, or has these parameters", p), nearest(runs, p))
		}
		out = append(out, found...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func matching(runs []runsheet.Run, pattern string) []int {
	for i, r := range runs {
		if r.Name == pattern || r.Shown == strings.TrimSuffix(pattern, "/") || r.WorkDir == pattern {
			return []int{i}
		}
	}
	var out []int
	for i, r := range runs {
		if hasParams(r, pattern) {
			out = append(out, i)
		}
	}
	return out
}

// hasParams says whether a run has every k=v of a pattern.
func hasParams(r runsheet.Run, pattern string) bool {
	if ok, err := path.Match(pattern, r.Name); err == nil && ok {
		return true
	}
	for part := range strings.SplitSeq(pattern, ",") {
		key, want, ok := strings.Cut(part, "=")
		if !ok {
			return false
		}
		value, has := r.Value(key)
		if !has {
			return false
		}
		if match, err := path.Match(want, value); value != want && (err != nil || !match) {
			return false
		}
	}
	return true
}

// nearest is the hint for a pattern that selects nothing.
func nearest(runs []runsheet.Run, pattern string) string {
	if len(runs) == 0 {
		return "the sheet has no runs"
	}
	for _, r := range runs {
		if strings.Contains(r.Name, pattern) {
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
