package launcher

import (
	"context"
	"slices"

	"runsheet"
	"runsheet/internal/journal"
	"runsheet/internal/plan"
	"runsheet/internal/record"
)

// Plan says what Run would do now, and does nothing: it takes no lock and writes nothing but caches.
func (l *Launcher) Plan(ctx context.Context) ([]runsheet.Action, error) {
	events, err := journal.Read(l.disk, record.JournalPath(l.state))
	if err != nil {
		return nil, l.inTheWay("go on from the journal", err)
	}
	l.ledger = replay(events, l.opts.Continue)
	l.opts.Once = true // so that all is known by then
	l.observeAll(ctx)
	if err := l.ownPlaces(); err != nil {
		return nil, err
	}
	for i, f := range l.facts {
		if l.opts.ResumeStopped && f.StopRequested() && f.Ended() { // as Run asks for it
			l.facts[i].Request = &runsheet.Request{Kind: runsheet.RequestRetry, Number: f.Request.Number + 1, User: l.opts.User}
		}
	}
	l.strays = l.observer.Strays(ctx, l.sheet, events)
	l.sampler.Sample(ctx)
	actions, _ := l.decide(ctx)
	return actions, nil
}

// NoHost says of each of some runs why no host of the pool could ever have room for it, as the hosts are now; empty: one
// could. It does nothing, and asks no scheduler.
func (l *Launcher) NoHost(ctx context.Context, which []int) []string {
	out := make([]string, len(which))
	var here []runsheet.PoolEntry
	var queues []string // they say themselves what they have no room for
	for _, e := range l.sheet.Pool {
		if _, ok := l.executors[e.Kind].(runsheet.Queue); ok {
			queues = append(queues, e.Called)
		} else {
			here = append(here, e)
		}
	}
	var hosts []runsheet.Host
	for k, i := range which {
		run := l.sheet.Runs[i]
		if slices.ContainsFunc(queues, run.MayUse) {
			continue
		}
		if hosts == nil {
			l.sampler.Sample(ctx)
			for _, e := range here {
				hosts = append(hosts, l.here(l.sampler.Window(), e))
			}
		}
		out[k] = plan.Never(run, hosts)
	}
	return out
}
