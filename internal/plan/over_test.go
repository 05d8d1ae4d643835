package plan_test

import (
	"testing"

	"runsheet"
	"runsheet/internal/plan"
)

// TestOver: what comes of a run by itself depends on its status, and on who could launch it.
func TestOver(t *testing.T) {
	for _, c := range []struct {
		status                         runsheet.Status
		alone, launched, gaveUp, lives bool // over without a launcher, with one, and once that gave it up
	}{
		{status: runsheet.Pending, gaveUp: true},
		{status: runsheet.Queued, lives: true},
		{status: runsheet.Running, lives: true},
		{status: runsheet.Stuck, lives: true},
		{status: runsheet.Unknown},
		{status: runsheet.Failed, alone: true, gaveUp: true},
		{status: runsheet.Stopped, alone: true, launched: true, gaveUp: true},
		{status: runsheet.Finished, alone: true, launched: true, gaveUp: true},
		{status: runsheet.Outdated, alone: true, launched: true, gaveUp: true},
	} {
		o := runsheet.Observed{Judgement: runsheet.Judgement{Status: c.status}}
		var p runsheet.Policy
		if plan.Over(o, p, false, false) != c.alone || plan.Over(o, p, true, false) != c.launched || plan.Over(o, p, true, true) != c.gaveUp || plan.Lives(o) != c.lives {
			t.Errorf("%s: alone %v, launched %v, given up %v, lives %v", c.status, plan.Over(o, p, false, false), plan.Over(o, p, true, false),
				plan.Over(o, p, true, true), plan.Lives(o))
		}
	}
	outdated := runsheet.Observed{Judgement: runsheet.Judgement{Status: runsheet.Outdated}}
	if plan.Over(outdated, runsheet.Policy{RerunOutdated: true}, true, false) {
		t.Error("what is about to be made anew is over")
	}
}
