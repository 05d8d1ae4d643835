package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"runsheet"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

const command = "python train.py"

func ago(d time.Duration) time.Time { return noon.Add(-d) }
func in(d time.Duration) time.Time  { return noon.Add(d) }

func epochs(completed int64) *runsheet.Progress {
	return &runsheet.Progress{Completed: completed, Total: 20, Unit: "epoch", Source: "epochs"}
}

// one is a world of one host with two slots and one run.
type one struct {
	Input
	facts *runsheet.Facts
	tries *Tries
	run   *runsheet.Run
}

func newOne(change func(w one)) Input {
	w := one{Input: Input{Runs: []runsheet.Run{{Name: "r", Command: command}}, Facts: make([]runsheet.Facts, 1), Tries: make([]Tries, 1),
		Hosts: []runsheet.Host{{Name: "localhost", Slots: 2, CPUs: 8, Memory: 16 << 30}}, Policy: runsheet.DefaultPolicy, Now: noon}}
	w.facts, w.tries, w.run = &w.Facts[0], &w.Tries[0], &w.Runs[0]
	change(w)
	return w.Input
}

// attempted gives the run a live attempt, claimed an hour ago.
func (w one) attempted() one {
	*w.facts = runsheet.Facts{Attempt: 1, Claim: &runsheet.Claim{Attempt: 1, Identity: command, At: ago(time.Hour), Host: "localhost"},
		Start: &runsheet.Start{At: ago(time.Hour)}, Liveness: runsheet.LivenessAlive, LastActivity: ago(time.Second), Progress: epochs(7)}
	return w
}

// ended gives the run an attempt that ended a minute ago.
func (w one) ended(kind runsheet.EndKind) one {
	w.attempted()
	w.facts.Liveness = runsheet.LivenessNone
	w.facts.End = &runsheet.End{Kind: kind, At: ago(time.Minute)}
	if kind == runsheet.EndExit {
		n := 1
		w.facts.End.ExitCode = &n
	}
	w.tries.Last = ago(time.Minute)
	return w
}

func (w one) asked(kind runsheet.RequestKind) {
	w.facts.Request = &runsheet.Request{Number: 1, Kind: kind, User: "alice"}
}

// failed makes an end in this session count against the retries.
func (w one) failed(n int, kind runsheet.CauseKind, text string, last time.Time) {
	w.ended(runsheet.EndExit)
	w.facts.End.Cause = runsheet.Cause{Kind: kind, Text: text}
	*w.tries = Tries{Failed: n, Last: last, Cause: w.facts.End.Cause}
}

func TestDecide(t *testing.T) {
	launch := func(reason string, resume, fresh bool) runsheet.Action {
		return runsheet.Action{Verb: runsheet.VerbLaunch, Reason: reason, Host: "localhost", Resume: resume, Fresh: fresh}
	}
	again := func(reason string, resume, fresh bool) runsheet.Action {
		a := launch(reason, resume, fresh)
		a.Again = true
		return a
	}
	end := func(kind runsheet.EndKind, reason string) runsheet.Action {
		return runsheet.Action{Verb: runsheet.VerbEnd, Reason: reason, Kind: kind}
	}
	recover := func(reason string) runsheet.Action {
		return runsheet.Action{Verb: runsheet.VerbRecover, Reason: reason}
	}
	never := time.Time{}
	for _, c := range []struct {
		name  string
		world func(w one)
		rerun bool
		want  runsheet.Action
	}{
		{name: "never attempted", world: func(one) {}, want: launch("not attempted yet", false, false)},
		{name: "its records were deleted", world: func(w one) { w.tries.Known = 2 },
			want: launch("its records were deleted; the journal tells of attempt 2, so the next is 3", false, false)},
		{name: "begun by somebody long ago", world: func(w one) { w.facts.Progress, w.facts.LastActivity = epochs(7), ago(time.Hour) },
			want: launch("7 of 20 epochs, nothing has changed for 1h, and no attempt is recorded", true, false)},
		{name: "somebody is at work", world: func(w one) { w.facts.Progress, w.facts.LastActivity = epochs(7), ago(time.Minute) },
			want: wait("not started by us: its evidence changed 1m ago", in(9*time.Minute))},
		{name: "beginnings without a total", world: func(w one) {
			w.facts.Progress = &runsheet.Progress{Completed: 3, Unit: "epoch", Source: "epochs"}
		}, want: giveUp("3 epochs found, but neither a total nor an attempt of ours says whether that is all")},
		{name: "the journal knows of an attempt", world: func(w one) { w.tries.Open = "attempt 1 may still live" }, want: wait("attempt 1 may still live", never)},
		{name: "records that cannot be read", world: func(w one) { w.facts.Problem = "claim.json: cut off" }, want: giveUp("claim.json: cut off")},
		{name: "records that could not be read just now", world: func(w one) { w.facts.Problem, w.facts.Passing = "too many open files", true },
			want: wait("too many open files", in(lookAgain))},
		{name: "records that cannot be read, after an attempt was seen", world: func(w one) { w.attempted().facts.Problem = "end.json: cut off" },
			want: giveUp("end.json: cut off")},
		{name: "a file system that does not answer", world: func(w one) { *w.facts = runsheet.Facts{}.Unheard(ago(40 * time.Second)) },
			want: wait("its file system has not answered for 40s", never)},
		{name: "a file system that does not answer any more", world: func(w one) {
			w.ended(runsheet.EndExit)
			*w.facts = w.facts.Unheard(ago(40 * time.Second))
		}, want: wait("its file system has not answered for 40s", never)},
		{name: "a file system that does not answer, under a live attempt", world: func(w one) {
			w.attempted().asked(runsheet.RequestStop)
			*w.facts = w.facts.Unheard(ago(40 * time.Second))
		}, want: wait("its file system has not answered for 40s", never)},
		{name: "evidence that is being read", world: func(w one) { w.ended(runsheet.EndExit).facts.Reading = true },
			want: wait("its evidence is being read", never)},
		{name: "evidence that cannot be read", world: func(w one) { w.facts.Progress = &runsheet.Progress{Error: "progress.json: cut off"} },
			want: giveUp("progress.json: cut off")},

		{name: "finished", world: func(w one) { w.ended(runsheet.EndExit).facts.Progress = epochs(20) }, rerun: true,
			want: leave("finished", "exited 1 after the work was complete")},
		{name: "finished, and a retry asked for", world: func(w one) {
			w.ended(runsheet.EndExit).facts.Progress = epochs(20)
			w.asked(runsheet.RequestRetry)
		}, want: leave("finished", "exited 1 after the work was complete")},
		{name: "outdated", world: func(w one) {
			w.ended(runsheet.EndExit).facts.Progress = epochs(20)
			w.run.Command = "new"
		}, want: leave("outdated", "made by another command: "+command)},
		{name: "outdated, to be run again", world: func(w one) {
			w.ended(runsheet.EndExit).facts.Progress = epochs(20)
			w.run.Command = "new"
		}, rerun: true, want: launch("outdated: made by another command: "+command, false, true)},
		{name: "outdated and stopped by a person", world: func(w one) {
			w.ended(runsheet.EndExit).facts.Progress = epochs(20)
			w.run.Command = "new"
			w.asked(runsheet.RequestStop)
		}, rerun: true, want: leave("stopped", "by alice")},
		{name: "unfinished, the command changed", world: func(w one) { w.ended(runsheet.EndExit).run.Command = "new" },
			want: again("exited 1 at 7 of 20 epochs", true, false)},
		{name: "stopped by a person", world: func(w one) { w.ended(runsheet.EndStopped).asked(runsheet.RequestStop) }, want: leave("stopped", "by alice")},
		{name: "interrupted", world: func(w one) { w.ended(runsheet.EndStopped) }, want: launch("stopped at 7 of 20 epochs", true, false)},

		{name: "running", world: func(w one) { w.attempted() }, want: wait("running", never)},
		{name: "starting", world: func(w one) { w.attempted().facts.Start = nil }, want: wait("starting", never)},
		{name: "starting, and to be stopped", world: func(w one) {
			w.attempted().facts.Start = nil
			w.asked(runsheet.RequestStop)
		}, want: wait("being stopped by alice", never)},
		{name: "to be stopped", world: func(w one) { w.attempted().asked(runsheet.RequestStop) }, want: end(runsheet.EndStopped, "being stopped by alice")},
		{name: "a stop that the claim knew", world: func(w one) {
			w.attempted().asked(runsheet.RequestStop)
			w.facts.Claim.Request = 1
		}, want: wait("running", never)},
		{name: "to be retried, while it runs", world: func(w one) { w.attempted().asked(runsheet.RequestRetry) }, want: wait("running", never)},
		{name: "stuck", world: func(w one) { w.attempted().facts.LastActivity = ago(45 * time.Minute) },
			want: end(runsheet.EndStuck, "stuck: no sign of progress for 45m")},
		{name: "stuck at the end of its work", world: func(w one) {
			w.attempted().facts.LastActivity = ago(45 * time.Minute)
			w.facts.Progress = epochs(20)
		}, want: end(runsheet.EndStuck, "stuck: no sign of progress for 45m")},
		{name: "nobody can be asked", world: func(w one) {
			w.attempted().facts.Liveness = runsheet.LivenessUnknown
			w.facts.Why = "gpu1 does not answer"
		}, want: wait("whether its attempt lives cannot be told: gpu1 does not answer", never)},
		{name: "orphan", world: func(w one) { w.attempted().facts.Liveness = runsheet.LivenessOrphan },
			want: recover("its supervisor is gone; the next run ends what is left of it and resumes")},
		{name: "gone", world: func(w one) { w.attempted().facts.Liveness = runsheet.LivenessGone }, want: recover("lost: its supervisor was killed")},
		{name: "gone, its work done", world: func(w one) {
			w.attempted().facts.Liveness = runsheet.LivenessGone
			w.facts.Progress = epochs(20)
		}, want: recover("its supervisor was killed before it could record the end")},
		{name: "gone, and to be stopped", world: func(w one) {
			w.attempted().facts.Liveness = runsheet.LivenessGone
			w.asked(runsheet.RequestStop)
		}, want: recover("lost: its supervisor was killed")},
		{name: "claimed just now", world: func(w one) {
			w.attempted().facts.Liveness, w.facts.Start = runsheet.LivenessGone, nil
			w.facts.Claim.At = ago(10 * time.Second)
		}, want: wait("claimed, its supervisor has not shown itself yet", in(20*time.Second))},
		{name: "claimed, never begun", world: func(w one) {
			w.attempted().facts.Liveness, w.facts.Start = runsheet.LivenessGone, nil
			w.facts.Claim.At = ago(runsheet.StartGrace)
		}, want: recover("claimed, but it never began")},
		{name: "claimed for a queue that does not have it", world: func(w one) {
			w.attempted().facts.Liveness, w.facts.Start = runsheet.LivenessGone, nil
			w.facts.Claim.At, w.facts.Claim.Batch, w.facts.Why = ago(time.Hour), "b", "not in Slurm's queue yet"
		}, want: wait("not in Slurm's queue yet", never)},
		{name: "the same, and to be stopped", world: func(w one) {
			w.attempted().facts.Liveness, w.facts.Start = runsheet.LivenessGone, nil
			w.facts.Claim.At, w.facts.Claim.Batch, w.facts.Why = ago(time.Hour), "b", "not in Slurm's queue yet"
			w.asked(runsheet.RequestStop)
		}, want: recover("claimed, but it never began: not in Slurm's queue yet")},
		{name: "given up, its supervisor still there", world: func(w one) { w.attempted().facts.Start.Void = true }, want: wait("called off before it began", never)},
		{name: "given up, no end yet", world: func(w one) {
			w.attempted().facts.Liveness = runsheet.LivenessGone
			w.facts.Start.Void = true
		}, want: recover("called off before it began")},

		{name: "void", world: func(w one) { w.ended(runsheet.EndVoid); w.tries.Void = 1 },
			want: launch("attempt 1 was called off before it began", true, false)},
		{name: "void, and fresh", world: func(w one) { w.ended(runsheet.EndVoid).facts.Claim.Fresh = true },
			want: launch("attempt 1 was called off before it began", false, true)},
		{name: "void, fresh, upon complete results of another command", world: func(w one) {
			w.ended(runsheet.EndVoid).facts.Claim.Fresh = true
			w.facts.Progress = epochs(20)
		}, want: launch("attempt 1 was called off before it began", false, true)},
		{name: "fresh, begun and failed", world: func(w one) { w.ended(runsheet.EndExit).facts.Claim.Fresh = true },
			want: again("exited 1 at 7 of 20 epochs", true, false)},
		{name: "void twice", world: func(w one) { w.ended(runsheet.EndVoid); *w.tries = Tries{Void: 2, Last: ago(time.Second)} },
			want: wait("attempt 1 was called off before it began", in(9*time.Second))},
		{name: "void again and again", world: func(w one) { w.ended(runsheet.EndVoid); w.tries.Void = 3 },
			want: giveUp("attempt 1 was called off before it began; 3 in a row")},

		{name: "failed in an earlier session", world: func(w one) { w.failed(0, runsheet.CauseImport, "No module named torch", noon) },
			want: again("exited 1 at 7 of 20 epochs: No module named torch", true, false)},
		{name: "failed just now", world: func(w one) { w.failed(1, runsheet.CauseTraceback, "ValueError", ago(4*time.Second)) },
			want: wait("retry 1 of 2: exited 1 at 7 of 20 epochs: ValueError", in(6*time.Second))},
		{name: "failed, backoff over", world: func(w one) { w.failed(1, runsheet.CauseTraceback, "ValueError", ago(10*time.Second)) },
			want: again("retry 1 of 2: exited 1 at 7 of 20 epochs: ValueError", true, false)},
		{name: "failed again", world: func(w one) { w.failed(2, runsheet.CauseTraceback, "ValueError", ago(10*time.Second)) },
			want: wait("retry 2 of 2: exited 1 at 7 of 20 epochs: ValueError", in(10*time.Second))},
		{name: "failed too often", world: func(w one) { w.failed(3, runsheet.CauseTraceback, "ValueError", ago(time.Hour)) },
			want: giveUp("exited 1 at 7 of 20 epochs: ValueError; failed 3 times, no retry is left")},
		{name: "a cause that cannot pass", world: func(w one) { w.failed(1, runsheet.CauseImport, "No module named torch", ago(time.Hour)) },
			want: giveUp("exited 1 at 7 of 20 epochs: No module named torch; another try would end the same way")},
		{name: "failed too often, a retry asked for", world: func(w one) {
			w.failed(3, runsheet.CauseImport, "No module named torch", noon)
			w.asked(runsheet.RequestRetry)
		}, want: launch("retry asked for by alice", true, false)},
		{name: "void and fresh, a retry asked for", world: func(w one) {
			w.ended(runsheet.EndVoid).facts.Claim.Fresh = true
			w.asked(runsheet.RequestRetry)
		}, want: launch("retry asked for by alice", false, true)},
		{name: "failed too often, and stopped", world: func(w one) {
			w.failed(3, runsheet.CauseTraceback, "ValueError", noon)
			w.asked(runsheet.RequestStop)
		}, want: leave("stopped", "by alice")},
		{name: "the clock was set back", world: func(w one) { w.failed(1, runsheet.CauseTraceback, "ValueError", in(time.Hour)) },
			want: again("retry 1 of 2: exited 1 at 7 of 20 epochs: ValueError", true, false)},
		{name: "its evidence is gone", world: func(w one) {
			w.ended(runsheet.EndStopped).facts.Progress = nil
			w.facts.End.Progress = epochs(7)
		}, want: launch("stopped at 7 of 20 epochs", false, false)},
		{name: "its evidence broke", world: func(w one) {
			w.ended(runsheet.EndStopped).facts.Progress = &runsheet.Progress{Error: "cut off"}
			w.facts.End.Progress = epochs(7)
		}, want: launch("stopped at 7 of 20 epochs", true, false)},

		{name: "its job starts again", world: func(w one) {
			w.ended(runsheet.EndPreempted)
			w.facts.End.At, w.facts.End.Requeued, w.facts.End.Cause = ago(10*time.Second), true, runsheet.Cause{Kind: runsheet.CauseRequeued, Text: "again"}
			*w.tries = Tries{Lost: 1, Last: ago(10 * time.Second)}
		}, want: wait("preempted at 7 of 20 epochs: again; it goes on in the same job", in(20*time.Second))},
		{name: "its job did not start again", world: func(w one) {
			w.ended(runsheet.EndPreempted)
			w.facts.End.At, w.facts.End.Requeued, w.facts.End.Cause = ago(time.Minute), true, runsheet.Cause{Kind: runsheet.CauseRequeued, Text: "again"}
			*w.tries = Tries{Lost: 1, Last: ago(time.Minute)}
		}, want: launch("preempted at 7 of 20 epochs: again", true, false)},
		{name: "lost", world: func(w one) { w.ended(runsheet.EndLost); *w.tries = Tries{Lost: 1, Last: noon} },
			want: launch("lost at 7 of 20 epochs: its supervisor was killed", true, false)},
		{name: "lost twice", world: func(w one) { w.ended(runsheet.EndLost); *w.tries = Tries{Lost: 2, Last: noon} },
			want: wait("lost at 7 of 20 epochs: its supervisor was killed", in(10*time.Second))},
		{name: "lost for the tenth time", world: func(w one) { w.ended(runsheet.EndLost); *w.tries = Tries{Lost: 10, Last: noon} },
			want: wait("lost at 7 of 20 epochs: its supervisor was killed", in(10*time.Minute))},
		{name: "lost, its retries used up before", world: func(w one) { w.ended(runsheet.EndLost); *w.tries = Tries{Failed: 3, Lost: 1, Last: noon} },
			want: giveUp("lost at 7 of 20 epochs: its supervisor was killed; failed 3 times, no retry is left")},
	} {
		t.Run(c.name, func(t *testing.T) {
			input := newOne(c.world)
			input.Rerun = c.rerun
			got := Decide(input)
			if diff := cmp.Diff([]runsheet.Action{c.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDecideByPolicy is for what hangs on the policy.
func TestDecideByPolicy(t *testing.T) {
	stuck := newOne(func(w one) { w.attempted().facts.LastActivity = ago(45 * time.Minute) })
	stuck.Policy.OnStuck = runsheet.LeaveStuck
	if got := Decide(stuck)[0]; got.Verb != runsheet.VerbWait || got.Reason != "no sign of progress for 45m" {
		t.Errorf("stuck, to be left: %+v", got)
	}
	once := newOne(func(w one) { w.failed(1, runsheet.CauseTraceback, "ValueError", ago(time.Hour)) })
	once.Policy.Retries = 0
	if got := Decide(once)[0]; got.Verb != runsheet.VerbGiveUp || got.Reason != "exited 1 at 7 of 20 epochs: ValueError; no retries are allowed" {
		t.Errorf("no retries: %+v", got)
	}
	lost := newOne(func(w one) { w.ended(runsheet.EndLost); *w.tries = Tries{Lost: 2, Last: noon} })
	lost.Policy.Backoff = 0
	if got := Decide(lost)[0]; !got.Until.Equal(in(time.Second)) {
		t.Errorf("losses in a row without a backoff: %+v", got)
	}
}

func TestDelay(t *testing.T) {
	for _, c := range []struct {
		base time.Duration
		n    int
		want time.Duration
	}{
		{10 * time.Second, -1, 0}, {10 * time.Second, 0, 0}, {10 * time.Second, 1, 10 * time.Second}, {10 * time.Second, 2, 20 * time.Second},
		{10 * time.Second, 6, 320 * time.Second}, {10 * time.Second, 7, 10 * time.Minute}, {10 * time.Second, 1 << 40, 10 * time.Minute},
		{0, 5, 0}, {time.Hour, 1, time.Hour}, {time.Hour, 3, time.Hour},
	} {
		if got := delay(c.base, c.n); got != c.want {
			t.Errorf("delay(%v, %d) = %v, want %v", c.base, c.n, got, c.want)
		}
	}
}

func TestDecideWithLess(t *testing.T) {
	input := newOne(func(one) {})
	input.Tries = nil
	if got := Decide(input)[0]; got.Verb != runsheet.VerbLaunch {
		t.Errorf("without tries: %+v", got)
	}
	input.Facts = nil
	if got := Decide(input)[0]; got.Verb != runsheet.VerbWait || !got.Until.After(noon) {
		t.Errorf("without facts: %+v", got)
	}
	input = newOne(func(one) {})
	input.Hosts = nil
	if got := Decide(input)[0]; got.Verb != runsheet.VerbWait || !got.Until.After(noon) {
		t.Errorf("without hosts: %+v", got)
	}
}
