package host

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"

	"runsheet"
	"runsheet/internal/forkserver"
)

// Unknown is the value of a number that the machine does not tell.
const Unknown = -1

const (
	windowSize = 10          // samples that means are taken over
	interval   = time.Second // no two samples are closer
)

// Sample is a machine at one moment.
type Sample struct {
	At         time.Time
	Host       string   // host name
	CPUs       int      // cores that we may use: of the affinity mask, the cgroups' quotas taken into account
	Cores      int      // of the machine: what CPU and Load are of
	CPU        float64  // share of the machine's cores that was busy since the sample before, in [0, 1]; Unknown in the first
	OwnCPU     float64  // of that, what was ours
	Load       float64  // mean number of runnable threads of the machine over the last minute; Unknown
	OwnLoad    float64  // of that, what is ours
	Memory     int64    // bytes of main memory, or the limit of the cgroups or of the Slurm job where that is less
	MemoryFree int64    // bytes of it that can be had without swapping
	GPUs       []GPU    // in the order of nvidia-smi; nil where none were asked for
	OwnGPUs    []string // the ids of those that attempts of ours were on
	GPUError   string   // why the GPUs are not known, or not all, in words
}

// GPU is one GPU at one moment.
type GPU struct {
	Index       int // nvidia-smi's, by PCI bus; CUDA counts alike with CUDA_DEVICE_ORDER=PCI_BUS_ID
	UUID        string
	Name        string
	Memory      int64   // bytes in all; Unknown
	MemoryUsed  int64   // bytes; Unknown
	MemoryFree  int64   // bytes; Unknown
	Utilisation float64 // share of the time in which a kernel ran, in [0, 1]; Unknown, as on one divided by MIG
	Power       float64 // watts; Unknown
	MIG         bool    // divided into instances
	Processes   []GPUProcess
}

// GPUProcess is a process that computes on a GPU.
type GPUProcess struct {
	PID    int // in the driver's pid namespace: in a container it may be nobody we know
	Name   string
	User   string // empty: not known
	Memory int64  // bytes of GPU memory; Unknown
}

// Sampler takes samples of this machine and keeps the last of them. It may be used by many goroutines.
type Sampler struct {
	gpus  bool
	clock runsheet.Clock
	smi   *smi
	users users

	taking sync.Mutex     // held while a sample is taken, which can be long where nvidia-smi hangs
	times  *cpu.TimesStat // at the last sample
	own    own

	mu     sync.Mutex
	roots  []runsheet.Process
	held   []string
	window []Sample
}

// NewSampler returns a sampler. GPUs are only looked at where gpus is set: only if a run asks for one. What is asked for
// them is started by fork.
func NewSampler(fork *forkserver.Server, gpus bool, clock runsheet.Clock) *Sampler {
	return &Sampler{gpus: gpus, clock: clock, smi: newSMI(fork)}
}

// Own names what is ours from now on: the supervisors of attempts, and the ids of the GPUs that they have.
func (s *Sampler) Own(supervisors []runsheet.Process, gpus []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roots, s.held = slices.Clone(supervisors), slices.Clone(gpus)
}

// Begin looks at the cores, so that the first sample tells how busy they were since.
func (s *Sampler) Begin(ctx context.Context) {
	s.taking.Lock()
	defer s.taking.Unlock()
	s.cores(ctx, &Sample{At: s.clock.Now()})
}

// cores measures how busy the cores were since the last time, and how much of that was ours.
func (s *Sampler) cores(ctx context.Context, out *Sample) {
	s.mu.Lock()
	roots := s.roots
	out.OwnGPUs = s.held
	s.mu.Unlock()
	times, err := cpu.TimesWithContext(ctx, false)
	if err != nil || len(times) != 1 {
		return
	}
	before := s.times
	s.times = &times[0]
	var passed float64 // seconds of all cores
	if before != nil {
		out.CPU, passed = busyShare(*before, times[0])
	}
	var took time.Duration
	took, out.OwnLoad = s.own.look(roots, out.At, time.Duration(passed*float64(time.Second)))
	if passed > 0 {
		out.OwnCPU = min(took.Seconds()/passed, 1)
	}
}

// Sample returns a sample that is less than a second old, taking one if need be. GPUs that cannot be looked at make no
// error: GPUError says why. It may take some seconds where the driver of the GPUs is slow or broken, so loops that have
// more to do call it beside themselves.
func (s *Sampler) Sample(ctx context.Context) (Sample, error) {
	s.taking.Lock()
	defer s.taking.Unlock()
	now := s.clock.Now()
	if w := s.Window(); len(w) > 0 {
		if last := w[len(w)-1]; now.Sub(last.At) < interval && !now.Before(last.At) {
			return last, nil
		}
	}
	out := Sample{At: now, CPUs: runtime.NumCPU(), CPU: Unknown, Load: Unknown}
	var err error
	if out.Host, err = os.Hostname(); err != nil {
		out.Host = "localhost"
	}
	memory, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return Sample{}, fmt.Errorf("sample this machine: memory: %w", err)
	}
	out.Memory, out.MemoryFree = int64(memory.Total), int64(memory.Available)
	limits := limitsIn("/")
	limits.allocation(os.Getenv)
	limits.apply(&out)
	if avg, err := load.AvgWithContext(ctx); err == nil {
		out.Load = avg.Load1
	}
	if out.Cores, err = cpu.CountsWithContext(ctx, true); err != nil {
		out.Cores = 0
	}
	s.cores(ctx, &out)
	if s.gpus {
		out.GPUs, err = s.smi.sample(ctx)
		if err != nil {
			out.GPUError = err.Error()
		}
		for i := range out.GPUs {
			for j := range out.GPUs[i].Processes {
				p := &out.GPUs[i].Processes[j]
				p.User = s.users.of(p.PID)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.window = append(s.window, out)
	s.window = slices.Delete(s.window, 0, max(0, len(s.window)-windowSize))
	return out, nil
}

// Window returns the last samples, at most ten, the newest last. It never waits for one.
func (s *Sampler) Window() []Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.window)
}

// busyShare returns the share of the time between two readings in which the cores were not idle, and that time in seconds of
// all cores. Guests' time is in user time already.
func busyShare(a, b cpu.TimesStat) (share, passed float64) {
	idle := func(t cpu.TimesStat) float64 { return t.Idle + t.Iowait }
	all := func(t cpu.TimesStat) float64 {
		return idle(t) + t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal
	}
	total := all(b) - all(a)
	if total <= 0 {
		return Unknown, 0
	}
	return min(max(1-(idle(b)-idle(a))/total, 0), 1), total // iowait may go backwards: proc_stat(5)
}
