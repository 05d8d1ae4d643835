package cli

import (
	"slices"
	"strings"
	"testing"

	"runsheet"
)

// TestSelectRuns: words about the same parameters are alternatives, all others must hold as well.
func TestSelectRuns(t *testing.T) {
	var runs []runsheet.Run
	for _, model := range []string{"mlp", "cnn", "vit"} {
		for _, seed := range []string{"0", "1"} {
			name := "model=" + model + ",seed=" + seed
			runs = append(runs, runsheet.Run{Name: name, Shown: "runs/" + name, WorkDir: "/p/runs/" + name,
				Params: []runsheet.Param{{Key: "model", Value: model}, {Key: "seed", Value: seed}}})
		}
	}
	all := []int{0, 1, 2, 3, 4, 5}
	for words, want := range map[string]struct {
		runs     []int
		statuses string
		err      string
	}{
		"":                                  {runs: all},
		"model=mlp":                         {runs: []int{0, 1}},
		"model=mlp,cnn":                     {runs: []int{0, 1, 2, 3}},
		"model=mlp model=cnn":               {runs: []int{0, 1, 2, 3}},
		"model=mlp seed=0":                  {runs: []int{0}},
		"seed=1 model=mlp model=v*":         {runs: []int{1, 5}},
		"model=mlp,seed=0":                  {runs: []int{0}},
		"model=mlp,seed=0 model=vit,seed=1": {runs: []int{0, 5}},
		"runs/model=mlp,seed=0 model=vit,seed=1 /p/runs/model=cnn,seed=0/": {runs: []int{0, 2, 5}},
		"model=mlp,seed=0 seed=0":       {runs: []int{0}},
		"model=?l*":                     {runs: []int{0, 1}},
		"model=mlp,*":                   {runs: []int{0, 1}}, // a pattern of names: not any model
		"*seed=1":                       {runs: []int{1, 3, 5}},
		"status=failed":                 {runs: all, statuses: "failed"},
		"model=mlp status=failed,stuck": {runs: []int{0, 1}, statuses: "failed,stuck"},
		"status=failed status=stuck":    {runs: all, statuses: "failed,stuck"},
		"model=resnet":                  {err: `no run is named "model=resnet"`},
		"mode=mlp":                      {err: `no run is named "mode=mlp"`},
		"model=mlp,seed=0 model=cnn":    {err: "no run has all of this: model=mlp,seed=0 model=cnn"},
		"status=broken":                 {err: `there is no status "broken"`},
		"status=":                       {err: `there is no status ""`},
	} {
		got, err := selectRuns(runs, strings.Fields(words))
		if want.err != "" {
			if err == nil || !strings.Contains(err.Error(), want.err) {
				t.Errorf("%q: error %v, want %q", words, err, want.err)
			}
			continue
		}
		var statuses []string
		for _, s := range got.statuses {
			statuses = append(statuses, string(s))
		}
		if err != nil || !slices.Equal(got.runs, want.runs) || strings.Join(statuses, ",") != want.statuses {
			t.Errorf("%q: %v %v (%v), want %v %s", words, got.runs, statuses, err, want.runs, want.statuses)
		}
	}
	for i := range runs { // a parameter of the sheet's own goes first
		runs[i].Params = append(runs[i].Params, runsheet.Param{Key: "status", Value: "new"})
	}
	if got, err := selectRuns(runs, []string{"status=new"}); err != nil || len(got.runs) != len(runs) || got.statuses != nil {
		t.Errorf("a parameter named status: %v, %v", got, err)
	}
}
