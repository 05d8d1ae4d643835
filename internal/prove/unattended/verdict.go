package unattended

import (
	"context"
	"time"

	"runsheet"
	"runsheet/internal/plan"
)

// policy is that of the sheet.
var policy = runsheet.Policy{Jobs: 1, Retries: 2, ActivityWindow: 10 * time.Minute, StopGrace: time.Second}

// judgeFirst judges what is said once the first attempt has died. over: the work is complete, or the exit code is the only
// witness of it.
func (s *scene) judgeFirst(ctx context.Context) (over bool, err error) {
	j := s.observe(ctx, false)
	p := s.facts.Progress
	switch {
	case j.Status == runsheet.Finished && s.at.step >= 0 && s.t.after[s.at.step+1].Complete():
		return true, nil
	case j.Status == runsheet.Finished && s.way == quits && p.Error == "" && (p.Total == 0 || p.Guessed) && s.breaks() == "":
		return true, nil
	case j.Status != runsheet.Failed:
		return false, wrong(string(j.Status), "after attempt 1 it is %s (%s), not failed", j.Status, j.Reason)
	}
	if err := s.judgeReason(j.Reason); err != nil {
		return false, err
	}
	least, most := s.t.bounds(s.at)
	if f := s.facts.Final(); f != nil && (f.Completed < least && !s.guesses() || f.Completed > most) {
		return false, wrong("count", "after attempt 1 it is at %d, and the evidence holds %d to %d (%s)", f.Completed, least, most, j.Reason)
	}
	tries := plan.Tries{Failed: 1, Last: s.facts.End.At, Cause: s.facts.End.Cause}
	if s.way == vanishes {
		tries.Failed, tries.Lost = 0, 1
	}
	a := plan.Decide(plan.Input{Runs: []runsheet.Run{s.run}, Facts: []runsheet.Facts{s.facts}, Tries: []plan.Tries{tries},
		Hosts: []runsheet.Host{{Name: "localhost", Executor: "local", Slots: 1}}, Policy: policy, Now: s.clock.now()})[0]
	if a.Verb != runsheet.VerbLaunch {
		return false, wrong("plan", "after attempt 1 the plan is %s (%s), not a launch", a.Verb, a.Reason)
	}
	return false, nil
}

// judgeSecond judges what is said when all is done: at once, and by whoever reads all the evidence anew.
func (s *scene) judgeSecond(ctx context.Context) error {
	for _, recompute := range []bool{false, true} {
		j := s.observe(ctx, recompute)
		p := s.facts.Final()
		switch {
		case j.Status != runsheet.Finished:
			return wrong("not finished", "after attempt 2, which did all, it is %s (%s)", j.Status, j.Reason)
		case p == nil || p.Completed != s.t.total && !s.t.k.free:
			return wrong("final count", "after attempt 2, which did all %d, it is finished at %s", s.t.total, p)
		}
	}
	return nil
}
