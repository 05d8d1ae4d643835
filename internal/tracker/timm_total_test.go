package tracker

import "testing"

func TestTimmTotal(t *testing.T) {
	for _, c := range []struct {
		args string
		want int64
	}{
		{"epochs: 300\n", 300},
		{"epochs: 300\ncooldown_epochs: 10\nwarmup_epochs: 5\n", 310},
		{"epochs: 300\ncooldown_epochs: 10\nwarmup_epochs: 5\nwarmup_prefix: true\nsched: poly\n", 315},
		{"epochs: 300\ncooldown_epochs: 10\nwarmup_epochs: 5\nwarmup_prefix: true\nsched: step\n", 305},
		{"epochs: 300\ncooldown_epochs: 10\nsched: plateau\n", 300},
		{"epochs: 300\ncooldown_epochs: 10\nsched: wsd\nlr_cycle_limit: 4\n", 310},
		{"epochs: 10\nlr_cycle_limit: 3\nlr_cycle_mul: 1.0\n", 30},
		{"epochs: 10\nlr_cycle_limit: 3\nlr_cycle_mul: 2.0\n", 70},
		{"epochs: 10\nlr_cycle_limit: 3000\nlr_cycle_mul: 2.0\n", 0},
		{"epochs: -1\n", 0},
		{"epochs: null\n", 0},
	} {
		if got := timmTotal(yamlKeys([]byte(c.args), timmKeys...)); got != c.want {
			t.Errorf("%q: %d, want %d", c.args, got, c.want)
		}
	}
}
