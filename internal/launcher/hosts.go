package launcher

import (
	"context"
	"time"

	"runsheet"
	"runsheet/internal/host"
)

// sampleEvery is how often the GPUs are looked at: a window of ten samples then covers what people do, and nvidia-smi
// takes little of a core.
const sampleEvery = 2 * time.Second

// sample looks at this machine once, and where runs ask for GPUs goes on beside the loop until ctx is done: a slow
// driver must not hold up anything.
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
func (l *Launcher) hosts() []runsheet.Host {
	window := l.sampler.Window()
	var out []runsheet.Host
	for _, entry := range l.sheet.Pool {
		h := host.Local(window, l.sheet.Policy.Jobs, entry, host.DefaultThresholds())
		h.Name, h.Executor = l.opts.HostName, l.executor.Name()
		out = append(out, h)
	}
	return out
}

// wantsGPUs says whether a run of the sheet asks for GPUs.
func wantsGPUs(s *runsheet.Sheet) bool {
	for _, r := range s.Runs {
		if r.Resources.GPUs > 0 {
			return true
		}
	}
	return false
}
