package report

import (
	"math"
	"strconv"
	"strings"
)

// digits is how many significant digits the largest mean of a column shows.
const digits = 4

// numbers is how the values of one column are printed: all with the same number of decimals, so that they can be
// compared by eye.
type numbers struct {
	decimals   int
	scientific bool
}

// newNumbers looks at all means and deviations of a column. The largest mean gets four significant digits, and a value
// of 1 counts as one below it, so that a perfect accuracy does not cost the others a digit. Columns of whole numbers
// stay whole; very large and very small ones are printed with an exponent.
func newNumbers(means, stds []float64) numbers {
	largest, whole := 0.0, true
	for _, v := range append(append([]float64{}, means...), stds...) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		largest = max(largest, math.Abs(v))
		whole = whole && v == math.Trunc(v)
	}
	switch {
	case largest == 0:
		return numbers{decimals: digits}
	case largest >= 1e7 || largest < 1e-4:
		return numbers{scientific: true}
	case whole && largest >= 10:
		return numbers{}
	}
	return numbers{decimals: max(digits-int(math.Ceil(math.Log10(largest))), 0)}
}

// mean renders a mean: "nan", "inf" and "-inf" for what is not a number.
func (n numbers) mean(v float64) string { return n.format(v, digits-1) }

// std renders a deviation.
func (n numbers) std(v float64) string { return n.format(v, 1) }

func (n numbers) format(v float64, mantissa int) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "-inf"
	case n.scientific:
		return strconv.FormatFloat(v, 'e', mantissa, 64)
	}
	s := strconv.FormatFloat(v, 'f', n.decimals, 64)
	if strings.Trim(s, "-0.") == "" {
		return strings.TrimPrefix(s, "-") // a negative zero says nothing to a reader
	}
	return s
}

// meanStd returns the mean of values and their sample standard deviation (n-1; NaN for fewer than two). Values that are
// not numbers make both so.
func meanStd(values []float64) (mean, std float64) {
	n := float64(len(values))
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	sum := 0.0
	for _, v := range values {
		sum += v
		mean += v / n
	}
	if !math.IsInf(sum, 0) { // otherwise it may have overflown, and the less exact one stands
		mean = sum / n
	}
	if n < 2 {
		return mean, math.NaN()
	}
	// Deviations are scaled by the largest, so that their squares neither overflow nor vanish.
	largest := 0.0
	for _, v := range values {
		largest = max(largest, math.Abs(v-mean))
	}
	switch {
	case largest == 0:
		return mean, 0
	case math.IsNaN(largest) || math.IsInf(largest, 0):
		return mean, math.NaN()
	}
	sum = 0
	for _, v := range values {
		d := (v - mean) / largest
		sum += d * d
	}
	return mean, largest * math.Sqrt(sum/(n-1))
}
