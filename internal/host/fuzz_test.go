package host

import (
	"strings"
	"testing"
	"unicode"

	"runsheet/internal/prove/hostile/bound"
)

// Whatever nvidia-smi prints, what is made of it is known and sane, or Unknown, and fit for a terminal.
func FuzzNvidiaSMI(f *testing.F) {
	f.Add("0, GPU-1, NVIDIA H100, 81559, 10, 81549, 0, 70.21, Disabled\n", "GPU-1, 12, /usr/bin/python3, 512\n", false)
	f.Add("0, GPU-1, a, name, with commas, 81559, [N/A], [N/A], [Not Supported], 70, Enabled\n", "GPU-1, 12, python -c 'a, b', [N/A]\n", false)
	f.Add("0, GPU-1, Tesla, 100, 200, [N/A], 101, -1\nUnable to determine the device handle\n", "No running processes found\n", true)
	f.Add("-1, x, y, 1e300, NaN, Inf, 0x10, 1_0, 2\n\x1b[31m,,,,,,,,\n", ",,,\n", false)
	f.Fuzz(func(t *testing.T, rows, processes string, noMIG bool) {
		var gpus []GPU
		var problems []string
		bound.Do(t, func() {
			gpus, problems = parseGPUs(rows, noMIG)
			addProcesses(gpus, processes)
		})
		size := func(n int64) bool { return n == Unknown || n >= 0 }
		for _, g := range gpus {
			if g.Index < 0 || !size(g.Memory) || !size(g.MemoryUsed) || !size(g.MemoryFree) ||
				g.Utilisation != Unknown && !(g.Utilisation >= 0) || g.Power != Unknown && !(g.Power >= 0) || g.MIG && noMIG {
				t.Errorf("%+v", g)
			}
			fit(t, g.Name)
			for _, p := range g.Processes {
				if fit(t, p.Name); !size(p.Memory) {
					t.Errorf("%+v", p)
				}
			}
		}
		for _, p := range problems {
			fit(t, p)
		}
	})
}

func fit(t *testing.T, text string) {
	t.Helper()
	if strings.ContainsFunc(text, unicode.IsControl) {
		t.Errorf("not fit for a terminal: %q", text)
	}
}
