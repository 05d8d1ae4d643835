package host

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"runsheet"
)

func TestParseGPUs(t *testing.T) {
	const mib = 1 << 20
	for name, tt := range map[string]struct {
		in       string
		noMIG    bool
		want     []GPU
		problems int
	}{
		"nothing": {in: "\n"},
		"two": {in: twoGPUs, want: []GPU{
			{Index: 0, UUID: "GPU-aa", Name: "NVIDIA GeForce RTX 3090", Memory: 24576 * mib, MemoryUsed: 20480 * mib, MemoryFree: 4096 * mib, Utilisation: 0.97, Power: 341.52},
			{Index: 1, UUID: "GPU-bb", Name: "NVIDIA GeForce RTX 3090", Memory: 24576 * mib, MemoryUsed: mib, MemoryFree: 24575 * mib, Utilisation: 0, Power: 21.1},
		}},
		"MIG": {in: "0, GPU-aa, NVIDIA A100-SXM4-40GB, 40960, 20, 40940, [N/A], 53.20, Enabled\r\n", want: []GPU{
			{UUID: "GPU-aa", Name: "NVIDIA A100-SXM4-40GB", Memory: 40960 * mib, MemoryUsed: 20 * mib, MemoryFree: 40940 * mib, Utilisation: Unknown, Power: 53.2, MIG: true},
		}},
		"nothing known": {in: "3, GPU-aa, GRID, T4-8Q, [N/A], [N/A], [N/A], [Not Supported], [Unknown Error], [N/A]\n", want: []GPU{
			{Index: 3, UUID: "GPU-aa", Name: "GRID, T4-8Q", Memory: Unknown, MemoryUsed: Unknown, MemoryFree: Unknown, Utilisation: Unknown, Power: Unknown},
		}},
		"free memory by subtraction": {in: "0, GPU-aa, X, 100, 30, [N/A], 5, 1, Disabled\n", want: []GPU{
			{UUID: "GPU-aa", Name: "X", Memory: 100 * mib, MemoryUsed: 30 * mib, MemoryFree: 70 * mib, Utilisation: 0.05, Power: 1},
		}},
		"old driver": {in: "0, GPU-aa, Tesla K80, 100, 30, 70, 5, 1\n", noMIG: true, want: []GPU{
			{UUID: "GPU-aa", Name: "Tesla K80", Memory: 100 * mib, MemoryUsed: 30 * mib, MemoryFree: 70 * mib, Utilisation: 0.05, Power: 1},
		}},
		"no rows":            {in: "No devices were found\n", problems: 1},
		"a comma, no row":    {in: "Failed to initialize NVML: Driver/library version mismatch, a, b, c, d, e, f, g, h\n", problems: 1},
		"absurd numbers":     {in: "0, GPU-aa, X, NaN, -1, 1e99, Inf, x, Disabled\n", want: []GPU{{UUID: "GPU-aa", Name: "X", Memory: Unknown, MemoryUsed: Unknown, MemoryFree: Unknown, Utilisation: Unknown, Power: Unknown}}},
		"a name with a trap": {in: "0, GPU-aa, \x1b[31mX\x07, 1, 1, 0, 0, 0, Disabled\n", want: []GPU{{UUID: "GPU-aa", Name: "X", Memory: mib, MemoryUsed: mib}}},
	} {
		got, problems := parseGPUs(tt.in, tt.noMIG)
		if diff := cmp.Diff(tt.want, got); diff != "" || len(problems) != tt.problems {
			t.Errorf("%s: problems %q\n%s", name, problems, diff)
		}
	}
}

func TestAddProcesses(t *testing.T) {
	gpus := []GPU{{UUID: "GPU-aa"}, {UUID: "GPU-bb"}}
	addProcesses(gpus, `GPU-bb, 11, /usr/bin/python3.11, 20480
GPU-bb, 12, /x/a,b/train, [N/A]
GPU-aa, 13, python train.py --out /tmp/x, [Insufficient Permissions]
MIG-cc, 14, python, 5
GPU-aa, [N/A], [Not Found], 9
No running processes found
`)
	want := []GPU{
		{UUID: "GPU-aa", Processes: []GPUProcess{{PID: 13, Name: "python train.py --out /tmp/x", Memory: Unknown}}},
		{UUID: "GPU-bb", Processes: []GPUProcess{{PID: 11, Name: "python3.11", Memory: 20480 << 20}, {PID: 12, Name: "train", Memory: Unknown}}},
	}
	if diff := cmp.Diff(want, gpus); diff != "" {
		t.Error(diff)
	}
}

const gib = int64(1) << 30

func gpu(utilisation float64, free int64, processes ...GPUProcess) GPU {
	return GPU{UUID: "GPU-aa", Name: "X", Memory: 24 * gib, MemoryFree: free, MemoryUsed: 24*gib - free, Utilisation: utilisation, Processes: processes}
}

// machine is a sample of a machine that is idle but for its GPU.
func machine(g ...GPU) Sample {
	return Sample{Host: "h", CPUs: 4, Cores: 8, CPU: 0.1, Load: 1, Memory: 64 * gib, MemoryFree: 32 * gib, GPUs: g}
}

func with(s Sample, f func(*Sample)) Sample { f(&s); return s }

func TestDevices(t *testing.T) {
	alice := GPUProcess{PID: 1, Name: "python", User: "alice", Memory: 20 * gib}
	mig := gpu(Unknown, 24*gib)
	mig.MIG = true
	for name, tt := range map[string]struct {
		window []Sample
		limit  float64
		busy   string
		free   int64
	}{
		"idle":                          {window: []Sample{machine(gpu(0, 24*gib))}, free: 24 * gib},
		"idle by the mean":              {window: []Sample{machine(gpu(0, 24*gib)), machine(gpu(0.9, 23*gib))}, free: 23 * gib},
		"busy by the mean":              {window: []Sample{machine(gpu(1, 23*gib)), machine(gpu(0, 24*gib))}, busy: "utilisation 50 %", free: 24 * gib},
		"busy, and by whom":             {window: []Sample{machine(gpu(0.97, 4*gib, alice))}, busy: "utilisation 97 % (alice: python 20 GiB)", free: 4 * gib},
		"many":                          {window: []Sample{machine(gpu(0.97, 4*gib, alice, GPUProcess{PID: 2, Name: "a", Memory: Unknown}, alice, alice))}, busy: "utilisation 97 % (alice: python 20 GiB, process 2: a, 2 more)", free: 4 * gib},
		"unknown counts for nothing":    {window: []Sample{machine(gpu(Unknown, 9*gib)), machine(gpu(0.6, 9*gib))}, busy: "utilisation 60 %", free: 9 * gib},
		"nothing known, nobody there":   {window: []Sample{machine(gpu(Unknown, 9*gib))}, free: 9 * gib},
		"nothing known, somebody there": {window: []Sample{machine(gpu(Unknown, 9*gib, alice))}, busy: "in use (alice: python 20 GiB)", free: 9 * gib},
		"full is not busy by itself":    {window: []Sample{machine(gpu(0, 0))}},
		"another threshold":             {window: []Sample{machine(gpu(0.3, gib))}, limit: 0.2, busy: "utilisation 30 %", free: gib},
		"MIG":                           {window: []Sample{machine(mig)}, busy: "divided by MIG: its instances are not scheduled", free: 24 * gib},
		"our own does not count":        {window: []Sample{machine(gpu(0, 24*gib)), ours(machine(gpu(1, 4*gib, alice))), machine(gpu(0.2, 23*gib))}, free: 23 * gib},
		"others' does beside it":        {window: []Sample{ours(machine(gpu(0, gib))), machine(gpu(0.9, gib))}, busy: "utilisation 90 %", free: gib},
		"hung":                          {window: []Sample{machine(gpu(0, gib)), with(machine(), func(s *Sample) { s.GPUError = "nvidia-smi: no answer within 10s" })}, busy: "nvidia-smi: no answer within 10s"},
		"gone":                          {window: []Sample{machine(gpu(0, gib)), machine()}, busy: "not seen any more"},
	} {
		idle := runsheet.DefaultPolicy.Idle
		if tt.limit > 0 {
			idle.Utilisation = tt.limit
		}
		want := []runsheet.Device{{ID: "0", Name: "X", Memory: 24 * gib, Free: tt.free, Busy: tt.busy}}
		if diff := cmp.Diff(want, devices(tt.window, idle)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	if devices(nil, runsheet.DefaultPolicy.Idle) != nil || len(devices([]Sample{machine()}, runsheet.DefaultPolicy.Idle)) != 0 {
		t.Error("devices out of nothing")
	}
	if d := devices([]Sample{machine(gpu(1, 0, alice))}, runsheet.Idle{}); d[0].Busy != "" {
		t.Errorf("busy without a limit: %s", d[0].Busy)
	}
	if d := devices([]Sample{ours(machine(gpu(1, 0, alice)))}, runsheet.DefaultPolicy.Idle); !d[0].WasOurs {
		t.Errorf("what it was last is ours, and nobody says so: %+v", d[0])
	}
}

// ours is a sample in which an attempt of ours was on the first GPU.
func ours(s Sample) Sample { s.OwnGPUs = []string{"0"}; return s }

// TestBusy holds from when on a machine is too busy, and that what is ours does not count.
func TestBusy(t *testing.T) {
	limits := runsheet.DefaultPolicy.Idle.WithGPUs
	for name, tt := range map[string]struct {
		window []Sample
		want   string
	}{
		"idle": {window: []Sample{machine()}},
		"CPU": {window: []Sample{with(machine(), func(s *Sample) { s.CPU = Unknown }), with(machine(), func(s *Sample) { s.CPU = 0.8 })},
			want: "others keep 80 % of its cores busy, and 80 % is the limit"},
		"CPU by the mean":   {window: []Sample{machine(), with(machine(), func(s *Sample) { s.CPU = 1 })}},
		"CPU of ours":       {window: []Sample{with(machine(), func(s *Sample) { s.CPU, s.OwnCPU = 1, 0.25 })}},
		"CPU of both":       {window: []Sample{with(machine(), func(s *Sample) { s.CPU, s.OwnCPU = 1, 0.1 })}, want: "others keep 90 % of its cores busy, and 80 % is the limit"},
		"load":              {window: []Sample{with(machine(), func(s *Sample) { s.Load = 8 })}, want: "the load of others is 8.0 on 8 cores, and 8.0 is the limit"},
		"load of ours":      {window: []Sample{with(machine(), func(s *Sample) { s.Load, s.OwnLoad = 16, 12.5 })}},
		"load of both":      {window: []Sample{with(machine(), func(s *Sample) { s.Load, s.OwnLoad = 20, 10 })}, want: "the load of others is 10.0 on 8 cores, and 8.0 is the limit"},
		"load is not known": {window: []Sample{with(machine(), func(s *Sample) { s.Load, s.OwnLoad = Unknown, 3 })}},
		"memory":            {window: []Sample{with(machine(), func(s *Sample) { s.MemoryFree = 3 * gib })}, want: "3.0 GiB of memory are left, and 4.0 GiB is the least"},
	} {
		if got := busy(tt.window, limits); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		if got := busy(tt.window, runsheet.Limits{}); got != "" {
			t.Errorf("%s: %q without limits", name, got)
		}
	}
}

func TestLocal(t *testing.T) {
	second := gpu(0, gib)
	second.UUID, second.Index = "GPU-bb", 1
	window := []Sample{machine(gpu(0, 2*gib), second)}
	local := func(window []Sample, gpus []int) runsheet.Host {
		return Local(window, 3, runsheet.PoolEntry{Kind: "local", GPUs: gpus}, runsheet.DefaultPolicy.Idle)
	}
	if h := local([]Sample{with(machine(), func(s *Sample) { s.Load = 9 })}, nil); h.Busy != "" || h.GPUsBusy == "" {
		t.Errorf("runs without GPUs are kept from a busy machine though no sheet says so: %+v", h)
	}
	ids := func(h runsheet.Host) string {
		var out []string
		for _, d := range h.Devices {
			out = append(out, d.ID+":"+d.Busy)
		}
		return strings.Join(out, " ")
	}
	all := local(window, nil)
	if all.Name != "h" || all.Executor != "local" || all.Slots != 3 || all.CPUs != 4 || all.Memory != 64*gib || ids(all) != "0: 1:" {
		t.Errorf("%+v", all)
	}
	if got := ids(local(window, []int{1, 0})); got != "1: 0:" {
		t.Errorf("in the order of the sheet: %s", got)
	}
	if got := ids(local(window, []int{1, 7})); got != "1: 7:there is no such GPU" {
		t.Error(got)
	}
	if got := ids(local(window, []int{})); got != "" {
		t.Errorf("none allowed: %s", got)
	}
	if got := ids(local([]Sample{with(machine(), func(s *Sample) { s.GPUError = "broken" })}, []int{0})); got != "0:broken" {
		t.Error(got)
	}
	if got := local([]Sample{with(machine(), func(s *Sample) { s.GPUError = "broken" })}, nil); got.Blind != "broken" || len(got.Devices) != 0 {
		t.Errorf("GPUs that were never seen: %+v", got)
	}
	if got := local([]Sample{machine(second), with(machine(), func(s *Sample) { s.GPUError = "broken" })}, nil); got.Blind != "" || ids(got) != "1:broken" {
		t.Errorf("GPUs that were seen before: %+v", got)
	}
	if got := local(nil, nil); got.Slots != 3 || got.Name == "" {
		t.Errorf("without a sample: %+v", got)
	}
}
