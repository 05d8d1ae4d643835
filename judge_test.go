package runsheet

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

const command = "python train.py --lr 0.1"

func ago(d time.Duration) time.Time { return noon.Add(-d) }

func code(n int) *int { return &n }

// epochs returns progress as the evidence of a run with epochs shows it.
func epochs(completed, total int64) *Progress {
	return &Progress{Completed: completed, Total: total, Unit: "epoch", Source: "epochs"}
}

func broken(text string) *Progress { return &Progress{Error: text} }

// torn is the evidence of a writer that was killed: some units are whole, one is not.
func torn(completed, total int64) *Progress {
	return &Progress{Completed: completed, Total: total, Unit: "epoch", Source: "epochs", Broken: "scores.json is broken (25 bytes)",
		Error: "scores.json is broken (25 bytes). In /w: repair or remove it"}
}

func early(completed, total, at int64) *Progress {
	p := epochs(completed, total)
	p.EarlyStopped, p.EarlyStoppedAt = true, at
	return p
}

// attempt returns the facts of a run whose first attempt was claimed 1 h ago, and began a second later.
func attempt(change ...func(*Facts)) Facts {
	f := Facts{Attempt: 1, Claim: &Claim{Attempt: 1, Identity: command, Command: command, At: ago(time.Hour)},
		Start: &Start{At: ago(time.Hour - time.Second)}, Liveness: LivenessAlive, LastActivity: ago(time.Minute)}
	for _, c := range change {
		c(&f)
	}
	return f
}

func with(p *Progress) func(*Facts)     { return func(f *Facts) { f.Progress = p } }
func lives(l Liveness) func(*Facts)     { return func(f *Facts) { f.Liveness = l } }
func idle(d time.Duration) func(*Facts) { return func(f *Facts) { f.LastActivity = ago(d) } }
func unstarted(f *Facts)                { f.Start = nil }
func void(f *Facts)                     { f.Start.Void = true }
func unsubmitted(f *Facts)              { f.Claim.Batch, f.Why = "b", "not in Slurm's queue yet" }
func fresh(f *Facts)                    { f.Claim.Fresh = true }

func claimed(before time.Duration) func(*Facts) {
	return func(f *Facts) { f.Start, f.Claim.At = nil, ago(before) }
}

func asked(kind RequestKind, number int) func(*Facts) {
	return func(f *Facts) { f.Request = &Request{Number: number, Kind: kind, User: "alice"} }
}

func ended(e End) func(*Facts) {
	if e.At.IsZero() {
		e.At = ago(time.Minute)
	}
	return func(f *Facts) { f.End, f.Liveness = &e, LivenessNone }
}

func exited(n int, c ...Cause) func(*Facts) {
	e := End{Kind: EndExit, ExitCode: code(n)}
	if len(c) > 0 {
		e.Cause = c[0]
	}
	return ended(e)
}

func TestJudge(t *testing.T) {
	policy := DefaultPolicy
	for _, c := range []struct {
		name   string
		facts  Facts
		policy func(*Policy)
		total  int64 // that the sheet asks for; 0: none
		want   Status
		reason string
	}{
		// Never attempted.
		{name: "nothing at all", want: Pending},
		{name: "an empty epoch", facts: Facts{Progress: epochs(0, 20)}, want: Pending},
		{name: "old beginnings, by nobody we know", facts: Facts{Progress: epochs(7, 20), LastActivity: ago(3 * time.Hour)},
			want: Failed, reason: "7 of 20 epochs, nothing has changed for 3h, and no attempt is recorded"},
		{name: "beginnings of no known age", facts: Facts{Progress: epochs(7, 20)}, want: Failed,
			reason: "7 of 20 epochs, and no attempt is recorded"},
		{name: "no total", facts: Facts{Progress: epochs(7, 0), LastActivity: ago(time.Hour)}, want: Unknown,
			reason: "7 epochs found, but neither a total nor an attempt of ours says whether that is all"},
		{name: "somebody is at work", facts: Facts{Progress: epochs(7, 20), LastActivity: ago(2*time.Minute + 5*time.Second)},
			want: Running, reason: "not started by us: its evidence changed 2m5s ago"},
		{name: "somebody has just begun", facts: Facts{LastActivity: ago(time.Second)}, want: Running,
			reason: "not started by us: its evidence changed 1s ago"},
		{name: "the window is over", facts: Facts{Progress: epochs(7, 20), LastActivity: ago(10 * time.Minute)}, want: Failed,
			reason: "7 of 20 epochs, nothing has changed for 10m, and no attempt is recorded"},
		{name: "a clock that is a little fast", facts: Facts{Progress: epochs(7, 20), LastActivity: ago(-time.Second)},
			want: Running, reason: "not started by us: its evidence changed 0s ago"},
		{name: "a stamp of next year", facts: Facts{Progress: epochs(7, 20), LastActivity: ago(-9000 * time.Hour)},
			want: Failed, reason: "7 of 20 epochs, and no attempt is recorded"},
		{name: "complete without us", facts: Facts{Progress: epochs(20, 20), LastActivity: ago(time.Second)}, want: Finished},
		{name: "complete long ago without us", facts: Facts{Progress: epochs(20, 20), LastActivity: ago(130 * 24 * time.Hour)},
			want: Outdated, reason: "finished 130d ago, older than 120d"},
		{name: "its last epoch tells, not a log that grew later", want: Outdated, reason: "finished 130d ago, older than 120d",
			facts: Facts{Progress: &Progress{Completed: 20, Total: 20, Recent: []time.Time{ago(130 * 24 * time.Hour)}}, LastActivity: ago(time.Second)}},
		{name: "asked for before it was ever tried", facts: Facts{Request: &Request{Number: 1, Kind: RequestRetry, User: "alice"}},
			want: Pending, reason: "retry asked for by alice"},
		{name: "stopped before it was ever tried", facts: Facts{Request: &Request{Number: 1, Kind: RequestStop}},
			want: Stopped, reason: "by somebody"},

		// Records and evidence that cannot be read.
		// What cannot be known now.
		{name: "no answer", facts: Facts{Silent: ago(40 * time.Second)}, want: Unknown, reason: "its file system has not answered for 40s"},
		{name: "no answer, of what lived", facts: attempt().Unheard(ago(40 * time.Second)), want: Unknown, reason: "its file system has not answered for 40s"},
		{name: "no answer, of what was finished", facts: attempt(exited(0), func(f *Facts) { f.Progress = epochs(20, 20) }).Unheard(ago(time.Hour)),
			want: Unknown, reason: "its file system has not answered for 1h"},
		{name: "no answer, where records could not be read", facts: Facts{Problem: "claim.json: not valid"}.Unheard(ago(time.Minute)),
			want: Unknown, reason: "its file system has not answered for 1m"},
		{name: "being read", facts: Facts{Reading: true}, want: Unknown, reason: "its evidence is being read"},
		{name: "being read, at work", facts: attempt(func(f *Facts) { f.Reading = true }), want: Running},
		{name: "being read after the end, which says all", facts: attempt(ended(End{Kind: EndExit, ExitCode: code(0), Progress: epochs(20, 20)}),
			func(f *Facts) { f.Reading = true }), want: Finished},
		{name: "being read after the end, which says nothing", facts: attempt(exited(1), func(f *Facts) { f.Reading = true }),
			want: Unknown, reason: "its evidence is being read"},
		{name: "being read, and gone", facts: attempt(func(f *Facts) { f.Reading, f.Liveness = true, LivenessGone }),
			want: Unknown, reason: "its evidence is being read"},
		{name: "being read, and in a queue", facts: attempt(func(f *Facts) {
			f.Reading, f.Liveness, f.Start, f.Claim.Batch = true, LivenessGone, nil, "b"
		}), want: Queued},
		{name: "records", facts: Facts{Problem: "claim.json: not valid", Progress: epochs(20, 20)}, want: Unknown, reason: "claim.json: not valid"},
		{name: "evidence", facts: Facts{Progress: broken("progress.json: 12 bytes, cut off")}, want: Unknown, reason: "progress.json: 12 bytes, cut off"},
		{name: "evidence after exit 0", facts: attempt(exited(0), with(broken("progress.json: cut off"))), want: Unknown, reason: "progress.json: cut off"},
		{name: "evidence broke after an end that knew", want: Failed, reason: "exited 1 at 7 of 20 epochs",
			facts: attempt(ended(End{Kind: EndExit, ExitCode: code(1), Progress: epochs(7, 20)}), with(broken("cut off")))},
		{name: "evidence of a live attempt", facts: attempt(with(broken("cut off"))), want: Running},

		// Claimed.
		{name: "just claimed", facts: attempt(claimed(StartGrace-1), lives(LivenessGone)), want: Queued,
			reason: "claimed, its supervisor has not shown itself yet"},
		{name: "claimed, never begun", facts: attempt(claimed(StartGrace), lives(LivenessGone)), want: Failed, reason: "claimed, but it never began"},
		{name: "never begun, and why", want: Failed, reason: "claimed, but it never began: no space left",
			facts: attempt(claimed(time.Hour), lives(LivenessGone), func(f *Facts) { f.Why = "no space left" })},
		{name: "claimed for a queue that does not have it", want: Queued, reason: "not in Slurm's queue yet",
			facts: attempt(claimed(time.Hour), lives(LivenessGone), unsubmitted)},
		{name: "the same, and to be stopped", want: Failed, reason: "claimed, but it never began: not in Slurm's queue yet",
			facts: attempt(claimed(time.Hour), lives(LivenessGone), unsubmitted, func(f *Facts) { f.Request = &Request{Number: 1, Kind: RequestStop} })},
		{name: "claimed for a queue, and over before it began", want: Failed, reason: "claimed, but it never began: not in Slurm's queue yet",
			facts: attempt(claimed(time.Hour), lives(LivenessGone), unsubmitted, func(f *Facts) { f.Over = &Over{Kind: EndCancelled} })},
		{name: "its supervisor prepares", facts: attempt(unstarted), want: Queued, reason: "starting"},
		{name: "its supervisor goes", facts: attempt(void), want: Queued, reason: "called off before it began"},
		{name: "given up, no end yet", facts: attempt(void, lives(LivenessGone)), want: Queued, reason: "called off before it began"},
		{name: "never begun, upon old results", facts: attempt(claimed(time.Hour), lives(LivenessGone), fresh, with(epochs(20, 20))),
			want: Failed, reason: "claimed, but it never began"},

		// Live.
		{name: "running", facts: attempt(with(epochs(7, 20))), want: Running},
		{name: "running at 100 %", facts: attempt(with(epochs(20, 20))), want: Running},
		{name: "running with trouble", facts: attempt(func(f *Facts) { f.Why = "cannot read the requests" }), want: Running, reason: "cannot read the requests"},
		{name: "running with an older stop", facts: attempt(asked(RequestStop, 1), func(f *Facts) { f.Claim.Request = 1 }), want: Running},
		{name: "being stopped", facts: attempt(asked(RequestStop, 1)), want: Running, reason: "being stopped by alice"},
		{name: "being stopped while stuck", facts: attempt(asked(RequestStop, 1), idle(40*time.Minute)), want: Running, reason: "being stopped by alice"},
		{name: "stuck", facts: attempt(with(epochs(7, 20)), idle(31*time.Minute)), want: Stuck, reason: "no sign of progress for 31m"},
		{name: "stuck at 100 %", facts: attempt(with(epochs(20, 20)), idle(31*time.Minute)), want: Stuck, reason: "no sign of progress for 31m"},
		{name: "silent, and not for long enough", facts: attempt(idle(30 * time.Minute)), want: Running},
		{name: "stuck by the policy", facts: attempt(idle(2 * time.Minute)), policy: func(p *Policy) { p.StuckAfter = time.Minute },
			want: Stuck, reason: "no sign of progress for 2m"},
		{name: "silence before its start is not its own", facts: attempt(idle(5*time.Hour), func(f *Facts) { f.Start.At = ago(time.Minute) }), want: Running},
		{name: "orphan", facts: attempt(lives(LivenessOrphan)), want: Running,
			reason: "its supervisor is gone; the next run ends what is left of it and resumes"},
		{name: "gone", facts: attempt(lives(LivenessGone), with(epochs(7, 20))), want: Failed, reason: "lost: its supervisor was killed"},
		{name: "gone, its work done", facts: attempt(lives(LivenessGone), with(epochs(20, 20))), want: Finished,
			reason: "its supervisor was killed before it could record the end"},
		{name: "nobody can be asked", facts: attempt(lives(LivenessUnknown), with(epochs(20, 20)), func(f *Facts) { f.Why = "gpu1 does not answer" }),
			want: Unknown, reason: "gpu1 does not answer"},

		// Ended, and not complete.
		{name: "exited 0 at 19 of 20", facts: attempt(exited(0, Cause{CauseIncomplete, "exited 0 at 19 of 20 epochs"}), with(epochs(19, 20))),
			want: Failed, reason: "exited 0 at 19 of 20 epochs"},
		{name: "exited 0, and its log says why", want: Failed, reason: "exited 0 at 19 of 20 epochs: ValueError: bad lr",
			facts: attempt(exited(0, Cause{CauseTraceback, "exited 0 at 19 of 20 epochs: ValueError: bad lr"}), with(epochs(19, 20)))},
		{name: "exited 1", facts: attempt(exited(1, Cause{CauseTraceback, "ValueError: bad lr"}), with(epochs(7, 20))),
			want: Failed, reason: "exited 1 at 7 of 20 epochs: ValueError: bad lr"},
		{name: "last words", facts: attempt(exited(3, Cause{CauseExit, "exit code 3: no luck"})), want: Failed, reason: "exited 3: no luck"},
		{name: "no words", facts: attempt(exited(3, Cause{CauseExit, "exit code 3, and the log is empty"})), want: Failed, reason: "exited 3"},
		{name: "another number", facts: attempt(exited(3, Cause{CauseUsage, "unknown option"})), want: Failed, reason: "exited 3: unknown option"},
		{name: "a shell tells of a signal", facts: attempt(exited(137, Cause{CauseSignal, "ended by SIGKILL (killed)"})), want: Failed,
			reason: "exited 137: ended by SIGKILL (killed)"},
		{name: "a signal", facts: attempt(ended(End{Kind: EndSignal, Signal: "SIGKILL", Cause: Cause{CauseSignal, "ended by SIGKILL (killed)"}}), with(epochs(7, 20))),
			want: Failed, reason: "ended by SIGKILL at 7 of 20 epochs"},
		{name: "a signal with a cause", want: Failed, reason: "ended by SIGKILL: killed by the kernel: out of memory",
			facts: attempt(ended(End{Kind: EndSignal, Signal: "SIGKILL", Cause: Cause{CauseOOMKilled, "killed by the kernel: out of memory"}}))},
		{name: "not started", facts: attempt(ended(End{Kind: EndError, Cause: Cause{CauseCommand, "bash: no such file"}})), want: Failed,
			reason: "could not be started: bash: no such file"},
		{name: "lost", facts: attempt(ended(End{Kind: EndLost}), with(epochs(7, 20))), want: Failed, reason: "lost at 7 of 20 epochs: its supervisor was killed"},
		{name: "stuck, ended", facts: attempt(ended(End{Kind: EndStuck}), with(epochs(7, 20))), want: Failed, reason: "stuck at 7 of 20 epochs, and was ended"},
		{name: "an end of a later version", facts: attempt(ended(End{Kind: "frozen"}), with(epochs(7, 20))), want: Failed,
			reason: "ended at 7 of 20 epochs, nobody knows how"},
		{name: "an exit without a code", facts: attempt(ended(End{Kind: EndExit})), want: Failed, reason: "ended, nobody knows how"},
		{name: "interrupted", facts: attempt(ended(End{Kind: EndStopped}), with(epochs(7, 20))), want: Stopped, reason: "stopped at 7 of 20 epochs"},
		{name: "interrupted before any evidence", facts: attempt(ended(End{Kind: EndStopped})), want: Stopped, reason: "stopped"},
		{name: "void", facts: attempt(void, ended(End{Kind: EndVoid})), want: Pending, reason: "attempt 1 was called off before it began"},
		{name: "refused", facts: attempt(void, ended(End{Kind: EndVoid, Cause: Cause{Kind: CauseRefused, Text: "PartitionTimeLimit"}}),
			func(f *Facts) { f.Claim.Host = "slurm:brief" }), want: Pending, reason: "slurm:brief does not take it: PartitionTimeLimit"},
		{name: "not activated", facts: attempt(ended(End{Kind: EndError, Cause: Cause{Kind: CauseActivate, Text: "activate failed: exit code 1"}})),
			want: Failed, reason: "activate failed: exit code 1"},
		{name: "void, upon results that were to be set aside", facts: attempt(void, fresh, ended(End{Kind: EndVoid}), with(epochs(20, 20))),
			want: Pending, reason: "attempt 1 was called off before it began"},
		{name: "stopped by a person", facts: attempt(asked(RequestStop, 1), ended(End{Kind: EndStopped}), with(epochs(7, 20))), want: Stopped, reason: "by alice"},
		{name: "failed while it was stopped", facts: attempt(asked(RequestStop, 1), exited(1)), want: Stopped, reason: "by alice"},
		{name: "a retry is asked for", facts: attempt(asked(RequestRetry, 2), exited(1)), want: Pending, reason: "retry asked for by alice"},
		{name: "the retry failed too", facts: attempt(asked(RequestRetry, 2), exited(1), func(f *Facts) { f.Claim.Request = 2 }), want: Failed, reason: "exited 1"},

		// Ended, and its evidence is broken.
		{name: "killed, and left it torn", facts: attempt(ended(End{Kind: EndSignal, Signal: "SIGKILL"}), with(torn(0, 1))), want: Failed,
			reason: "ended by SIGKILL; scores.json is broken (25 bytes)"},
		{name: "a traceback, and some units are whole", facts: attempt(exited(1, Cause{CauseTraceback, "ValueError: bad lr"}), with(torn(7, 20))), want: Failed,
			reason: "exited 1 at 7 of 20 epochs: ValueError: bad lr; scores.json is broken (25 bytes)"},
		{name: "exited 0, and left it torn", facts: attempt(exited(0, Cause{CauseIncomplete, "exited 0, and scores.json is broken (25 bytes)"}), with(torn(0, 1))), want: Failed,
			reason: "exited 0, and scores.json is broken (25 bytes)"},
		{name: "exited 0, without a total", facts: attempt(exited(0), with(torn(7, 0))), want: Failed, reason: "exited 0, and scores.json is broken (25 bytes)"},
		{name: "torn, by the end's own reading", facts: attempt(ended(End{Kind: EndSignal, Signal: "SIGKILL", Progress: torn(0, 1)})), want: Failed,
			reason: "ended by SIGKILL; scores.json is broken (25 bytes)"},
		{name: "torn, and stopped", facts: attempt(ended(End{Kind: EndStopped}), with(torn(7, 20))), want: Stopped, reason: "stopped at 7 of 20 epochs"},
		{name: "torn, and stopped by a person", facts: attempt(asked(RequestStop, 1), ended(End{Kind: EndStopped}), with(torn(7, 20))), want: Stopped, reason: "by alice"},
		{name: "torn, and a retry is asked for", facts: attempt(asked(RequestRetry, 2), exited(1), with(torn(7, 20))), want: Pending, reason: "retry asked for by alice"},
		{name: "torn, and somebody has removed it since", want: Failed, reason: "exited 0, and scores.json is broken (25 bytes)",
			facts: attempt(ended(End{Kind: EndExit, ExitCode: code(0), Progress: torn(0, 0)}), with(&Progress{}))},
		{name: "nothing shows progress", want: Failed, reason: "exited 0: nothing in its work dir shows progress: name what does",
			facts: attempt(exited(0, Cause{CauseNoEvidence, "nothing in its work dir shows progress: name what does"}), with(&Progress{Total: 20, Unit: "epoch"}))},
		{name: "torn by nobody of ours", facts: Facts{Progress: torn(7, 20)}, want: Unknown, reason: "scores.json is broken (25 bytes). In /w: repair or remove it"},
		{name: "torn after our attempt", want: Unknown, reason: "scores.json is broken (25 bytes). In /w: repair or remove it",
			facts: attempt(ended(End{Kind: EndExit, ExitCode: code(1), At: ago(time.Hour)}), with(torn(7, 20)), func(f *Facts) { f.Progress.LastActivity = ago(time.Minute) })},
		{name: "torn, and live", facts: attempt(with(torn(7, 20))), want: Running},

		// Ended, and complete.
		{name: "more than the sheet asks for", total: 20, facts: attempt(exited(0), with(epochs(25, 20))), want: Finished,
			reason: "25 epochs, more than the sheet asks for"},
		{name: "exit 0, no evidence", facts: attempt(exited(0)), want: Finished},
		{name: "exit 0, no total", facts: attempt(exited(0), with(epochs(7, 0))), want: Finished},
		{name: "exit 0 by another command", facts: attempt(exited(0), func(f *Facts) { f.Claim.Identity = "python old.py" }),
			want: Outdated, reason: "made by another command: python old.py"},
		{name: "exit 0 at the total", facts: attempt(exited(0), with(epochs(20, 20))), want: Finished},
		{name: "exit 1 at 20 of 20", facts: attempt(exited(1), with(epochs(20, 20))), want: Finished, reason: "exited 1 after the work was complete"},
		{name: "a signal at 20 of 20", facts: attempt(ended(End{Kind: EndSignal, Signal: "SIGSEGV"}), with(epochs(20, 20))), want: Finished,
			reason: "ended by SIGSEGV after the work was complete"},
		{name: "hung at 20 of 20", facts: attempt(ended(End{Kind: EndStuck}), with(epochs(20, 20))), want: Finished,
			reason: "hung after the work was complete, and was ended"},
		{name: "complete beside a broken file", want: Finished, reason: "progress.json is broken (3 bytes)",
			facts: attempt(exited(0), with(&Progress{Completed: 20, Total: 20, Unit: "epoch", Source: "epochs", Broken: "progress.json is broken (3 bytes)"}))},
		{name: "out of time at 20 of 20", facts: attempt(ended(End{Kind: EndTimeLimit}), with(epochs(20, 20))), want: Finished,
			reason: "met its time limit after the work was complete"},
		{name: "lost at 20 of 20", facts: attempt(ended(End{Kind: EndLost}), with(epochs(20, 20))), want: Finished,
			reason: "its supervisor was killed after the work was complete"},
		{name: "stopped at 20 of 20", facts: attempt(asked(RequestStop, 1), ended(End{Kind: EndStopped}), with(epochs(20, 20))), want: Finished},
		{name: "the end knew more", facts: attempt(ended(End{Kind: EndExit, ExitCode: code(0), Progress: epochs(20, 20)}), with(epochs(19, 20))), want: Finished,
			reason: "so its end says: its evidence now shows 19 of 20 epochs"},
		{name: "the evidence knows more", facts: attempt(ended(End{Kind: EndExit, ExitCode: code(0), Progress: epochs(19, 20)}), with(epochs(20, 20))), want: Finished},
		{name: "the total was raised since", facts: attempt(ended(End{Kind: EndExit, ExitCode: code(0), Progress: epochs(20, 20)}), with(epochs(20, 30))),
			want: Failed, reason: "exited 0 at 20 of 30 epochs"},
		{name: "stopped early", facts: attempt(exited(0), with(early(12, 20, 12))), want: Finished, reason: "stopped early after 12 epochs"},
		{name: "stopped early, in units without a name", want: Finished, reason: "stopped early at 12",
			facts: attempt(exited(0), with(&Progress{Completed: 12, EarlyStopped: true, EarlyStoppedAt: 12}))},
		{name: "older than allowed", facts: attempt(ended(End{Kind: EndExit, ExitCode: code(0), At: ago(130 * 24 * time.Hour)}), with(epochs(20, 20))),
			want: Outdated, reason: "finished 130d ago, older than 120d"},
		{name: "never outdated by age", facts: attempt(ended(End{Kind: EndExit, ExitCode: code(0), At: ago(130 * 24 * time.Hour)}), with(epochs(20, 20))),
			policy: func(p *Policy) { p.OutdatedAfter = 0 }, want: Finished},
		{name: "before a date", facts: attempt(exited(0), with(epochs(20, 20))), policy: func(p *Policy) { p.OutdatedBefore = ago(-time.Hour) },
			want: Outdated, reason: "finished 2026-03-04, before 2026-03-04"},
		{name: "after a date", facts: attempt(exited(0), with(epochs(20, 20))), policy: func(p *Policy) { p.OutdatedBefore = ago(time.Hour) }, want: Finished},
		{name: "complete, of no known age", facts: Facts{Progress: epochs(20, 20)}, policy: func(p *Policy) { p.OutdatedBefore = noon }, want: Finished},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := policy
			if c.policy != nil {
				c.policy(&p)
			}
			got := Judge(Run{Command: command, Progress: ProgressSpec{Total: c.total}}, c.facts, p, noon)
			if got.Status != c.want || got.Reason != c.reason {
				t.Errorf("got  %s: %q\nwant %s: %q", got.Status, got.Reason, c.want, c.reason)
			}
		})
	}
}

// TestJudgeStays holds what no facts whatever may break.
func TestJudgeStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		got := Judge(Run{Command: command}, f, DefaultPolicy, noon)
		known := false
		for _, s := range Statuses {
			known = known || s == got.Status
		}
		if !known {
			t.Fatalf("%q is no status", got.Status)
		}
		if f.Live() && (got.Status == Pending || got.Status == Outdated || got.Status == Stopped) {
			t.Fatalf("an attempt without an end is %s", got.Status)
		}
		if f.Live() && f.Liveness == LivenessUnknown && got.Status != Unknown {
			t.Fatalf("nobody can be asked, and it is %s", got.Status)
		}
		if got.Status == Failed && f.Claim == nil && (f.Progress == nil || f.Progress.Completed == 0) {
			t.Fatal("failed, without an attempt or a beginning")
		}
		if got.Status == Finished && !f.Final().Complete() && (f.End == nil || f.End.ExitCode == nil || *f.End.ExitCode != 0) {
			t.Fatal("finished, and nothing says so")
		}
		if strings.ContainsAny(got.Reason, "\n%") || strings.Contains(got.Reason, ": :") {
			t.Fatalf("the reason reads badly: %q", got.Reason)
		}
	})
}

func drawFacts(t *rapid.T) Facts {
	progress := func(name string) *Progress {
		return rapid.SampledFrom([]*Progress{nil, epochs(0, 20), epochs(7, 20), epochs(20, 20), epochs(7, 0), early(5, 20, 5), broken("cut off")}).Draw(t, name)
	}
	f := Facts{Progress: progress("progress")}
	if rapid.Bool().Draw(t, "stamped") {
		f.LastActivity = ago(time.Duration(rapid.Int64Range(-100, 400000).Draw(t, "idle")) * time.Second)
	}
	if rapid.Bool().Draw(t, "attempted") {
		f = attempt(with(f.Progress), lives(rapid.SampledFrom([]Liveness{LivenessAlive, LivenessOrphan, LivenessGone, LivenessUnknown}).Draw(t, "liveness")))
		f.Claim.Fresh = rapid.Bool().Draw(t, "fresh")
		switch rapid.IntRange(0, 2).Draw(t, "start") {
		case 0:
			claimed(time.Duration(rapid.IntRange(0, 60).Draw(t, "claimed")) * time.Second)(&f)
		case 1:
			void(&f)
		}
		if rapid.Bool().Draw(t, "over") {
			e := End{Kind: rapid.SampledFrom([]EndKind{EndExit, EndSignal, EndStopped, EndStuck, EndLost, EndVoid, EndError}).Draw(t, "kind"), Progress: progress("final")}
			if e.Kind == EndExit {
				e.ExitCode = code(rapid.IntRange(0, 2).Draw(t, "code"))
			}
			ended(e)(&f)
		}
	}
	if rapid.Bool().Draw(t, "asked") {
		asked(rapid.SampledFrom([]RequestKind{RequestStop, RequestRetry}).Draw(t, "what"), 1)(&f)
	}
	return f
}

func TestSpan(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		-time.Hour: "0s", 0: "0s", 20 * time.Millisecond: "20ms", 999 * time.Millisecond: "999ms", time.Second: "1s", 59999 * time.Millisecond: "59s",
		time.Minute: "1m", 200 * time.Second: "3m20s", 10*time.Minute + 5*time.Second: "10m", time.Hour: "1h", 90 * time.Minute: "1h30m",
		time.Hour + 59*time.Second: "1h", 10*time.Hour + time.Minute: "10h", 2*day + 5*time.Hour: "2d5h", 120 * day: "120d",
	} {
		if got := Span(d); got != want {
			t.Errorf("Span(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestRequested(t *testing.T) {
	f := attempt(asked(RequestRetry, 2))
	if !f.RetryRequested() || f.StopRequested() {
		t.Error("a retry newer than the claim was not seen, or taken for a stop")
	}
	f.Claim.Request = 2
	if f.RetryRequested() {
		t.Error("a retry is asked for that the claim has taken into account")
	}
	if f := (Facts{}); !f.Ended() || f.Live() || f.RetryRequested() || f.StopRequested() {
		t.Error("a run without records has an attempt or a request")
	}
}

// TestUnheard: what a file system that does not answer hides keeps its place, and is not taken for gone.
func TestUnheard(t *testing.T) {
	since := ago(time.Minute)
	f := attempt(func(f *Facts) { f.Waiting, f.Over = true, &Over{Kind: EndLost} }).Unheard(since)
	if !f.Live() || f.Liveness != LivenessUnknown || f.Waiting || f.Over != nil || !f.Silent.Equal(since) {
		t.Errorf("%+v", f)
	}
	open := Claim{Nonce: "x", Attempt: 1}
	if none := (Facts{}).Unheard(since); none.Hides(open) || none.Live() || none.Unread() {
		t.Errorf("%+v", none)
	}
	if !(Facts{}).Hides(open) {
		t.Error("records that answer, and do not show it, hide it")
	}
}
