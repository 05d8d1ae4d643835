package launcher

import (
	"context"
	"fmt"
	"slices"
	"time"

	"runsheet"
	"runsheet/internal/host"
	"runsheet/internal/journal"
	"runsheet/internal/plan"
)

// sampleEvery is how often the GPUs are looked at: a window of ten samples then covers what people do, and nvidia-smi
// takes little of a core.
const sampleEvery = 2 * time.Second

// sample looks at this machine once, and where runs ask for GPUs that it may have goes on beside the loop until ctx is
// done: a slow driver must not hold up anything.
func (l *Launcher) sample(ctx context.Context) {
	l.sampler.Sample(ctx)
	if !l.gpus {
		return
	}
	go func() {
		for l.sys.Clock.Wait(ctx, sampleEvery) == nil {
			l.sampler.Sample(ctx)
		}
	}()
}

// hosts returns the machines of the pool as the plan sees them.
func (l *Launcher) hosts(ctx context.Context) []runsheet.Host {
	window := l.sampler.Window()
	before := l.pool
	l.pool = map[string]runsheet.Host{}
	var out []runsheet.Host
	for _, entry := range l.sheet.Pool {
		var h runsheet.Host
		switch e := l.executors[entry.Kind].(type) {
		case nil:
			h = runsheet.Host{Name: entry.Kind, Slots: 1, Away: fmt.Sprintf("there is no executor for %q", entry.Kind)}
		case runsheet.Queue:
			h = queueHost(ctx, e, entry)
		default:
			h = l.here(window, entry)
			h.Executor = e.Name()
		}
		h.Entry = entry.Called
		if was := before[h.Name]; (h.Away == "") != (was.Away == "") && l.journal != nil {
			text := h.Name + ": " + h.Away
			if h.Away == "" {
				text = h.Name + ": it can be asked again"
			}
			l.listener.Event(journal.Event{At: l.sys.Clock.Now(), Kind: journal.Trouble, Text: text})
		}
		l.pool[h.Name] = h
		out = append(out, h)
	}
	return out
}

// here returns this machine as the plan sees it.
func (l *Launcher) here(window []host.Sample, entry runsheet.PoolEntry) runsheet.Host {
	jobs := entry.Jobs
	if jobs == 0 {
		jobs = l.sheet.Policy.Jobs
	}
	h := host.Local(window, jobs, entry, host.DefaultThresholds())
	h.Name, h.Entry = l.opts.HostName, entry.Called
	return h
}

// refusal returns what the host said of a run for which its last attempt was claimed, if that was that it will never take it.
func (l *Launcher) refusal(i int) (why string, refused bool) {
	f, run := l.facts[i], l.sheet.Runs[i]
	if f.Claim == nil {
		return "", false
	}
	why, refused = l.refusals[plan.Ask{Host: f.Claim.Host, Resources: run.Resources}]
	return why, refused
}

// leavesInVain says whether an attempt that its queue will never start was just asked to leave it: that takes a moment, and
// who looks but once waits for that, or the next launcher would put it there again.
func (l *Launcher) leavesInVain() bool {
	for i, f := range l.facts {
		e := l.ledger.entry(l.sheet.Runs[i].WorkDir)
		if f.Queued() && f.Never && e.told == f.Claim.Nonce && l.sys.Clock.Now().Sub(e.toldAt) < runsheet.StartGrace {
			return true
		}
	}
	return false
}

// queueHost returns a scheduler's queue as the plan sees it: it has room for as many attempts of ours as the pool says,
// and what they need is its own business.
func queueHost(ctx context.Context, q runsheet.Queue, entry runsheet.PoolEntry) runsheet.Host {
	h := runsheet.Host{Name: entry.Name, Executor: q.Name(), Slots: entry.Jobs, Queue: true}
	if h.Slots == 0 {
		h.Slots = runsheet.DefaultMaxQueued
	}
	var err error
	if h.Batch, err = q.Batch(ctx); err != nil {
		h.Away = err.Error()
	}
	return h
}

// wantsGPUs says whether a run of the sheet asks for GPUs, and may have those of this machine.
func wantsGPUs(s *runsheet.Sheet) bool {
	for _, e := range s.Pool {
		if e.Kind == "local" && slices.ContainsFunc(s.Runs, func(r runsheet.Run) bool { return r.Resources.GPUs > 0 && r.MayUse(e.Called) }) {
			return true
		}
	}
	return false
}
