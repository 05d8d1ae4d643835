package report

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestMeanStd compares with the textbook's formula, where that does not lose digits, and with what holds for any.
func TestMeanStd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-1000, 1000), 1, 30).Draw(t, "values")
		mean, std := meanStd(values)
		n, sum, squares := float64(len(values)), 0.0, 0.0
		for _, v := range values {
			sum += v
		}
		for _, v := range values {
			squares += (v - sum/n) * (v - sum/n)
		}
		if math.Abs(mean-sum/n) > 1e-9 {
			t.Errorf("mean of %v: got %v, want %v", values, mean, sum/n)
		}
		if len(values) == 1 {
			if !math.IsNaN(std) {
				t.Errorf("std of one value: got %v", std)
			}
			return
		}
		if want := math.Sqrt(squares / (n - 1)); math.Abs(std-want) > 1e-9*max(want, 1) {
			t.Errorf("std of %v: got %v, want %v", values, std, want)
		}
		by := rapid.Float64Range(-100, 100).Draw(t, "by")
		moved := make([]float64, len(values))
		for i, v := range values {
			moved[i] = v + by
		}
		if _, s := meanStd(moved); math.Abs(s-std) > 1e-6 {
			t.Errorf("moved by %v: std %v, was %v", by, s, std)
		}
	})
}

func TestMeanStdExtremes(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		values    []float64
		mean, std float64
	}{
		{nil, nan, nan},
		{[]float64{3}, 3, nan},
		{[]float64{10, 10, 10}, 10, 0},
		{[]float64{1, 2, 3, 4}, 2.5, math.Sqrt(5. / 3)},
		{[]float64{1, nan}, nan, nan},
		{[]float64{1, inf}, inf, nan},
		{[]float64{inf, math.Inf(-1)}, nan, nan},
		{[]float64{1e308, 1e308, 1e308}, 1e308, 0},
		{[]float64{1e-300, 3e-300}, 2e-300, math.Sqrt2 * 1e-300},
	} {
		mean, std := meanStd(c.values)
		same := func(a, b float64) bool {
			return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-12*math.Abs(b)
		}
		if !same(mean, c.mean) || !same(std, c.std) && !(c.mean == 1e308 && std < 1e293) {
			t.Errorf("%v: got %v ± %v, want %v ± %v", c.values, mean, std, c.mean, c.std)
		}
	}
}

func TestNumbers(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		means, stds []float64
		mean, std   float64
		want        string
	}{
		{[]float64{0.963, 0.871}, []float64{0.0081}, 0.963, 0.0081, "0.9630 ± 0.0081"},
		{[]float64{1, 0.871}, []float64{0.0081}, 0.871, 0.0081, "0.8710 ± 0.0081"},
		{[]float64{96.3, 8.71}, []float64{0.81}, 8.71, 0.81, "8.71 ± 0.81"},
		{[]float64{12345.6}, []float64{7.8}, 12345.6, 7.8, "12346 ± 8"},
		{[]float64{0.00123}, []float64{0.0002}, 0.00123, 0.0002, "0.001230 ± 0.000200"},
		{[]float64{1.234567e-5}, []float64{2.1e-6}, 1.234567e-5, 2.1e-6, "1.235e-05 ± 2.1e-06"},
		{[]float64{3e9}, nil, 3e9, 0, "3.000e+09 ± 0.0e+00"},
		{[]float64{30, 12}, []float64{0}, 12, 0, "12 ± 0"},
		{[]float64{0, 0}, []float64{0}, 0, 0, "0.0000 ± 0.0000"},
		{[]float64{nan, 0.5}, []float64{nan}, nan, nan, "nan ± nan"},
		{[]float64{math.Inf(1), 0.5}, nil, math.Inf(-1), 0, "-inf ± 0.0000"},
		{[]float64{1}, nil, -1e-9, 0, "0.0000 ± 0.0000"},
		{nil, nil, 0, 0, "0.0000 ± 0.0000"},
	} {
		n := newNumbers(c.means, c.stds)
		if got := n.mean(c.mean) + " ± " + n.std(c.std); got != c.want {
			t.Errorf("%v: got %q, want %q", c.means, got, c.want)
		}
	}
}

func TestEscapeLaTeX(t *testing.T) {
	for s, want := range map[string]string{
		`a_b&c%d$e#f{g}`: `a\_b\&c\%d\$e\#f\{g\}`,
		`\^~`:            `\textbackslash{}\textasciicircum{}\textasciitilde{}`,
		"[1,2]*":         "{[}1,2{]}{*}",
		"a--b-----c":     "a-{}-b-{}-{}-{}-{}-c",
		"<|>":            `\textless{}\textbar{}\textgreater{}`,
		"–":              "--",
	} {
		if got := escapeLaTeX(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}
