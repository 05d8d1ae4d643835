package launcher

import (
	"context"

	"runsheet"
	"runsheet/internal/journal"
	"runsheet/internal/record"
)

// Plan says what Run would do now, and does nothing: it takes no lock and writes nothing but caches.
func (l *Launcher) Plan(ctx context.Context) ([]runsheet.Action, error) {
	events, err := journal.Read(l.disk, record.JournalPath(l.state))
	if err != nil {
		return nil, l.inTheWay("go on from the journal", err)
	}
	l.ledger = replay(events, l.opts.Continue)
	l.observeAll(ctx)
	if err := l.ownPlaces(); err != nil {
		return nil, err
	}
	l.strays = l.observer.Strays(ctx, l.sheet, events)
	l.sampler.Sample(ctx)
	actions, _ := l.decide(ctx)
	return actions, nil
}
