package host

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shirou/gopsutil/v4/cpu"

	"golang.org/x/sys/unix"

	"runsheet/internal/forkserver"
)

// clock is a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fakeSMI puts an nvidia-smi made of a shell script first on PATH. It stands for hardware that the test machine lacks.
func fakeSMI(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	script = "#!/bin/sh\necho call \"$@\" >> " + dir + "/calls\n" + script
	if err := os.WriteFile(filepath.Join(dir, "nvidia-smi"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

func calls(dir string) int {
	data, _ := os.ReadFile(filepath.Join(dir, "calls"))
	return strings.Count(string(data), "call ")
}

func TestSample(t *testing.T) {
	dir := fakeSMI(t, "exit 1")
	c := &clock{now: time.Unix(1000, 0)}
	s := NewSampler(forkserver.Here(), false, c)
	first, err := s.Sample(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first.Host == "" || first.CPUs < 1 || first.Memory <= 0 || first.MemoryFree <= 0 || first.MemoryFree > first.Memory || first.Load < 0 || first.CPU != Unknown {
		t.Errorf("first sample: %+v", first)
	}
	if calls(dir) != 0 || first.GPUs != nil || first.GPUError != "" {
		t.Error("nvidia-smi was called though nobody asked for GPUs")
	}
	c.add(999 * time.Millisecond)
	if again, _ := s.Sample(t.Context()); again.At != first.At || len(s.Window()) != 1 {
		t.Error("two samples within a second")
	}
	for end := time.Now().Add(30 * time.Millisecond); time.Now().Before(end); { // some work to be seen
	}
	c.add(time.Millisecond)
	second, err := s.Sample(t.Context())
	if err != nil || second.CPU < 0 || second.CPU > 1 || second.At == first.At {
		t.Errorf("second sample: %+v, %v", second, err)
	}
	for range 15 {
		c.add(time.Second)
		if _, err := s.Sample(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w := s.Window()
	if len(w) != windowSize || !w[windowSize-1].At.Equal(c.Now()) {
		t.Errorf("window of %d samples, the last at %v", len(w), w[len(w)-1].At)
	}
}

func TestBusyShare(t *testing.T) {
	a := cpu.TimesStat{User: 10, System: 5, Idle: 80, Iowait: 5, Guest: 3}
	for name, tt := range map[string]struct {
		b    cpu.TimesStat
		want float64
	}{
		"half":          {cpu.TimesStat{User: 14, System: 6, Idle: 84, Iowait: 6, Guest: 7}, 0.5},
		"nothing":       {a, Unknown},
		"idle":          {cpu.TimesStat{User: 10, System: 5, Idle: 90, Iowait: 5}, 0},
		"all of it":     {cpu.TimesStat{User: 10, Nice: 5, Steal: 5, System: 5, Idle: 80, Iowait: 5}, 1},
		"iowait shrank": {cpu.TimesStat{User: 12, System: 5, Idle: 80, Iowait: 4}, 1},
	} {
		if got, _ := busyShare(a, tt.b); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

const twoGPUs = `0, GPU-aa, NVIDIA GeForce RTX 3090, 24576, 20480, 4096, 97, 341.52, [N/A]
1, GPU-bb, NVIDIA GeForce RTX 3090, 24576, 1, 24575, 0, 21.10, [N/A]
`

func TestSampleGPUs(t *testing.T) {
	self := os.Getpid()
	dir := fakeSMI(t, fmt.Sprintf(`case "$1" in
		--query-gpu=*) printf '%s' ;;
		--query-compute-apps=*) echo 'GPU-aa, %d, /opt/conda/bin/python, 20000'; echo 'GPU-aa, 1073741824, gone, 7' ;;
		*) exit 9 ;;
		esac`, twoGPUs, self))
	c := &clock{now: time.Unix(1000, 0)}
	s := NewSampler(forkserver.Here(), true, c)
	got, err := s.Sample(t.Context())
	if err != nil || got.GPUError != "" || len(got.GPUs) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	want := []GPUProcess{
		{PID: self, Name: "python", User: s.users.of(self), Memory: 20000 << 20},
		{PID: 1073741824, Name: "gone", Memory: 7 << 20},
	}
	if diff := cmp.Diff(want, got.GPUs[0].Processes); diff != "" || want[0].User == "" {
		t.Error(diff)
	}
	if calls(dir) != 2 {
		t.Errorf("%d calls", calls(dir))
	}
	if _, err := s.Sample(t.Context()); err != nil || calls(dir) != 2 {
		t.Error("called again within a second")
	}
}

func TestNoSMI(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	got, err := NewSampler(forkserver.Here(), true, &clock{now: time.Unix(1000, 0)}).Sample(t.Context())
	if err != nil || got.GPUs != nil || got.GPUError != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOldDriver(t *testing.T) {
	dir := fakeSMI(t, `case "$1" in
		*mig*) echo 'Field "mig.mode.current" is not a valid field to query.'; exit 2 ;;
		--query-gpu=*) echo '0, GPU-aa, Tesla K80, 11441, 0, 11441, [N/A], [Not Supported]' ;;
		esac`)
	s := newSMI(forkserver.Here())
	for i := range 2 {
		gpus, err := s.sample(t.Context())
		if err != nil || len(gpus) != 1 || gpus[0].Utilisation != Unknown || gpus[0].MIG {
			t.Fatalf("%+v, %v", gpus, err)
		}
		if want := 3 + 2*i; calls(dir) != want {
			t.Errorf("%d calls, want %d: the driver has said that it does not know MIG", calls(dir), want)
		}
	}
}

func TestBrokenSMI(t *testing.T) {
	fakeSMI(t, `echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."; exit 9`)
	gpus, err := newSMI(forkserver.Here()).sample(t.Context())
	if err == nil || len(gpus) != 0 || !strings.Contains(err.Error(), "couldn't communicate") {
		t.Errorf("%v, %v", gpus, err)
	}
	fakeSMI(t, `case "$1" in
		--query-gpu=*) printf '1, GPU-bb, NVIDIA A100, 40960, 0, 40960, 3, 50, Disabled\nUnable to determine the device handle for GPU 0000:0B:00.0: GPU is lost.  Reboot the system to recover this GPU\n'; exit 15 ;;
		esac`)
	gpus, err = newSMI(forkserver.Here()).sample(t.Context())
	if err == nil || len(gpus) != 1 || !strings.Contains(err.Error(), "GPU is lost") {
		t.Errorf("%v, %v", gpus, err)
	}
}

// A call that hangs is waited for once, and no other is started before it has gone.
func TestHungSMI(t *testing.T) {
	dir := fakeSMI(t, `cat "$(dirname "$0")/gate" > /dev/null`)
	if err := unix.Mkfifo(filepath.Join(dir, "gate"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSMI(forkserver.Here())
	s.timeout = 50 * time.Millisecond
	_, err := s.sample(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no answer within 50ms") {
		t.Errorf("err = %v", err)
	}
	// A process that not even SIGKILL reaches: the call stays under way.
	before := calls(dir)
	s.mu.Lock()
	s.since = time.Now()
	s.mu.Unlock()
	for range 3 {
		if _, err := s.sample(t.Context()); err == nil || !strings.Contains(err.Error(), "has not answered since") {
			t.Errorf("err = %v", err)
		}
	}
	if calls(dir) != before {
		t.Error("called again while a call hangs")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.since = time.Time{}
	if _, err := s.sample(ctx); err == nil {
		t.Error("no error with a context that has ended")
	}
	// What hangs at the gate may go.
	if f, err := os.OpenFile(filepath.Join(dir, "gate"), os.O_RDWR, 0); err == nil {
		f.Close()
	}
}

func TestLimits(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  limits
	}{
		"none": {nil, limits{}},
		"version 2": {map[string]string{
			"proc/self/cgroup":                              "0::/user.slice/job\n",
			"sys/fs/cgroup/user.slice/job/cpu.max":          "max 100000\n",
			"sys/fs/cgroup/user.slice/job/memory.max":       "max\n",
			"sys/fs/cgroup/user.slice/cpu.max":              "150000 100000\n",
			"sys/fs/cgroup/user.slice/memory.max":           "1000000\n",
			"sys/fs/cgroup/user.slice/memory.current":       "700000\n",
			"sys/fs/cgroup/user.slice/memory.stat":          "anon 1\ninactive_file 200000\n",
			"sys/fs/cgroup/user.slice/other/memory.max":     "5\n",
			"sys/fs/cgroup/user.slice/job/deeper/cpu.max":   "1 100000\n",
			"sys/fs/cgroup/user.slice/job/memory.current":   "600000\n",
			"sys/fs/cgroup/user.slice/job/something.broken": "x",
		}, limits{cpus: 1.5, memory: 1000000, left: 500000}},
		"the fullest group counts": {map[string]string{
			"proc/self/cgroup":                   "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max":       "1000\n",
			"sys/fs/cgroup/a/b/memory.current":   "100\n",
			"sys/fs/cgroup/a/memory.max":         "2000\n",
			"sys/fs/cgroup/a/memory.current":     "1900\n",
			"sys/fs/cgroup/a/b/cpu.max":          "50000 100000\n",
			"sys/fs/cgroup/a/cpu.max":            "300000 100000\n",
			"sys/fs/cgroup/a/b/memory.stat":      "",
			"sys/fs/cgroup/a/memory.swap.max":    "0",
			"sys/fs/cgroup/cgroup.controllers":   "cpu memory",
			"sys/fs/cgroup/a/cgroup.controllers": "cpu memory",
		}, limits{cpus: 0.5, memory: 1000, left: 100}},
		"a container's path": {map[string]string{
			"proc/self/cgroup":             "0::/docker/0123\n",
			"sys/fs/cgroup/memory.max":     "4096\n",
			"sys/fs/cgroup/memory.current": "8192\n",
		}, limits{memory: 4096}},
		"version 1": {map[string]string{
			"proc/self/cgroup":                                 "4:memory:/job\n2:cpu,cpuacct:/job\n0::/\n",
			"sys/fs/cgroup/unified/cgroup.procs":               "",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":       "9223372036854771712\n",
			"sys/fs/cgroup/memory/memory.usage_in_bytes":       "12345\n",
			"sys/fs/cgroup/memory/job/memory.limit_in_bytes":   "2000000\n",
			"sys/fs/cgroup/memory/job/memory.usage_in_bytes":   "500000\n",
			"sys/fs/cgroup/memory/job/memory.stat":             "total_inactive_file 100000\n",
			"sys/fs/cgroup/cpu/job/cpu.cfs_quota_us":           "200000\n",
			"sys/fs/cgroup/cpu/job/cpu.cfs_period_us":          "100000\n",
			"sys/fs/cgroup/cpu/cpu.cfs_quota_us":               "-1\n",
			"sys/fs/cgroup/cpu/cpu.cfs_period_us":              "100000\n",
			"sys/fs/cgroup/cpu/job/cpu.stat":                   "nr_periods 0\n",
			"sys/fs/cgroup/memory/job/memory.soft_limit_bytes": "1\n",
		}, limits{cpus: 2, memory: 2000000, left: 1600000}},
	} {
		root := t.TempDir()
		for path, content := range tt.files {
			path = filepath.Join(root, path)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := limitsIn(root); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
	s := Sample{CPUs: 8, Memory: 1000, MemoryFree: 900}
	limits{cpus: 0.5, memory: 500, left: 300}.apply(&s)
	if s.CPUs != 1 || s.Memory != 500 || s.MemoryFree != 300 {
		t.Errorf("limited: %+v", s)
	}
	s = Sample{CPUs: 8, Memory: 1000, MemoryFree: 200}
	limits{cpus: 64, memory: 5000, left: 3000}.apply(&s)
	if s.CPUs != 8 || s.Memory != 1000 || s.MemoryFree != 200 {
		t.Errorf("limits above what is there: %+v", s)
	}
}

func TestEffectiveUID(t *testing.T) {
	for in, want := range map[string]string{
		"Name:\tpython\nUmask:\t0022\nUid:\t1000\t1001\t1000\t1000\nGid:\t5\t5\t5\t5\n": "1001",
		"Name:\tx\n": "",
		"Uid:\n":     "",
	} {
		if got := effectiveUID(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	var u users
	if u.of(1<<30) != "" {
		t.Error("a user of no process")
	}
}

func TestAllocation(t *testing.T) {
	cgroup := limits{memory: 8 << 30, left: 1 << 30}
	for _, c := range []struct {
		name   string
		env    map[string]string
		before limits
		want   limits
	}{
		{"no job", nil, limits{}, limits{}},
		{"--mem", map[string]string{"SLURMD_NODENAME": "n1", "SLURM_MEM_PER_NODE": "4096"}, limits{}, limits{memory: 4 << 30, left: 4 << 30}},
		{"--mem-per-cpu", map[string]string{"SLURMD_NODENAME": "n1", "SLURM_MEM_PER_CPU": "1024", "SLURM_CPUS_ON_NODE": "6"}, limits{}, limits{memory: 6 << 30, left: 6 << 30}},
		{"all of the node", map[string]string{"SLURMD_NODENAME": "n1", "SLURM_MEM_PER_NODE": "0"}, limits{}, limits{}},
		{"salloc, on the login node", map[string]string{"SLURM_MEM_PER_NODE": "4096"}, limits{}, limits{}},
		{"rubbish", map[string]string{"SLURMD_NODENAME": "n1", "SLURM_MEM_PER_NODE": "4G"}, limits{}, limits{}},
		{"less is left in the cgroup", map[string]string{"SLURMD_NODENAME": "n1", "SLURM_MEM_PER_NODE": "4096"}, cgroup, limits{memory: 4 << 30, left: 1 << 30}},
	} {
		got := c.before
		got.allocation(func(name string) string { return c.env[name] })
		if got != c.want {
			t.Errorf("%s: %+v, not %+v", c.name, got, c.want)
		}
	}
}
