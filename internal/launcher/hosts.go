package launcher

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/host"
	"runsheet/internal/journal"
	"runsheet/internal/plan"
	"runsheet/internal/proc"
)

// sampleEvery is how often the GPUs are looked at: a window of ten samples then covers what people do, and nvidia-smi
// takes little of a core.
const sampleEvery = 2 * time.Second

// firstLook is how long the cores are looked at before the first plan.
const firstLook = 250 * time.Millisecond

// sampleOnce looks at this machine, and for as long as it takes to see how busy it is where that matters.
func (l *Launcher) sampleOnce(ctx context.Context) {
	l.tellOwn()
	if l.busyMatters() {
		l.sampler.Begin(ctx)
		proc.SystemClock().Wait(ctx, firstLook)
	}
	l.sampler.Sample(ctx)
}

// busyMatters says whether what others do on this machine can keep a run from being started.
func (l *Launcher) busyMatters() bool {
	return l.gpus || l.sheet.Policy.Idle.Always != (runsheet.Limits{}) && hasLocal(l.sheet)
}

// tellOwn tells the sampler which attempts are ours: what they take of this machine does not keep others of ours from it.
func (l *Launcher) tellOwn() {
	var supervisors []runsheet.Process
	var gpus []string
	add := func(f runsheet.Facts) {
		if f.Live() && f.Claim.Batch == "" {
			gpus = append(gpus, f.Claim.Devices...)
			if f.Start != nil && !f.Start.Void {
				supervisors = append(supervisors, f.Start.Process)
			}
		}
	}
	for _, f := range l.facts {
		add(f)
	}
	for _, s := range l.strays {
		add(s.Facts)
	}
	l.sampler.Own(supervisors, gpus)
}

// sample looks at this machine once, and where it matters what others do there goes on beside the loop until ctx is done:
// a slow driver must not hold up anything.
func (l *Launcher) sample(ctx context.Context) {
	l.sampleOnce(ctx)
	if !l.busyMatters() {
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
	h := host.Local(window, jobs, entry, l.sheet.Policy.Idle)
	h.Name, h.Entry = l.opts.HostName, entry.Called
	return h
}

// refusal returns why the host of a run's last attempt will never take the run, if it has said so.
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

// tellCrowded tells what runs wait for that are kept from a host by the work of others: at once, and again every minute for
// as long as that lasts. Runs that ask for the same are told of in one line.
func (l *Launcher) tellCrowded(actions []runsheet.Action) {
	now := l.sys.Clock.Now()
	count, first := map[runsheet.Resources]int{}, map[runsheet.Resources]int{}
	var order []runsheet.Resources
	for k, a := range actions {
		if !a.Crowded {
			continue
		}
		r := l.sheet.Runs[a.Run].Resources
		if count[r]++; count[r] == 1 {
			order, first[r] = append(order, r), k
		}
	}
	for _, r := range order {
		if last, ok := l.crowded[r]; ok && now.Sub(last) < crowdedEvery && !now.Before(last) {
			continue
		}
		l.crowded[r] = now
		a := actions[first[r]]
		e := journal.Event{At: now, Kind: journal.Waiting, Run: l.sheet.Runs[a.Run].Name, Text: strings.TrimPrefix(a.Reason, "waiting ")}
		if n := count[r] - 1; n > 0 {
			e.Run += fmt.Sprintf(" and %d more", n)
		}
		l.listener.Event(e)
	}
}

// crowdedEvery is how often it is told that runs wait for what others hold.
const crowdedEvery = time.Minute

// hasLocal says whether this machine is in the pool of the sheet.
func hasLocal(s *runsheet.Sheet) bool {
	return slices.ContainsFunc(s.Pool, func(e runsheet.PoolEntry) bool { return e.Kind == "local" })
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
