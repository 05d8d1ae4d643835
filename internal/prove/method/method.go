// Package method is what the methods of the proof have in common: what they are given, what they tell, and how they
// are started again as a process of their own. It proves nothing by itself.
package method

import (
	"context"
	"fmt"
	"time"
)

// Size is how much a method does.
type Size int

// The sizes.
const (
	Quick Size = iota // all methods together in under three minutes on two cores
	Usual             // in half an hour
	Long              // as long as it takes: the sizes that docs/proof.md names
)

// Of returns the value for a size.
func Of[T any](s Size, quick, usual, long T) T { return []T{quick, usual, long}[s] }

// Config is what a method is given.
type Config struct {
	Size     Size
	Seed     uint64 // whatever is random comes from it
	Dir      string // an empty directory to work in, on a local file system; removed afterwards
	Runsheet string // the binary under test
	// Count overrides what the size says: runs, kills, images, reads, ... in the method's own unit; 0: the size's.
	Count int64
	// Say reports what is going on, a line at a time.
	Say func(format string, args ...any)
}

// N returns the count to do: the override, or the size's.
func (c Config) N(quick, usual, long int64) int64 {
	if c.Count > 0 {
		return c.Count
	}
	return Of(c.Size, quick, usual, long)
}

// Figure is one number of a result.
type Figure struct {
	Name  string
	Value string
}

// Result is what came of a method.
type Result struct {
	Figures    []Figure
	Violations []string // what must never happen and did, each with what is needed to repeat it; at most a few
	LeftOut    string   // why the method, or part of it, could not be done here; empty: it was done in full
}

// Figure adds a number to the result.
func (r *Result) Figure(name string, value any) {
	r.Figures = append(r.Figures, Figure{name, fmt.Sprint(value)})
}

// maxViolations is how many violations are told: the first is what matters.
const maxViolations = 10

// Violate adds a violation.
func (r *Result) Violate(format string, args ...any) {
	if len(r.Violations) < maxViolations {
		r.Violations = append(r.Violations, fmt.Sprintf(format, args...))
	}
}

// Method is one way of looking for what must never happen.
type Method struct {
	Name string
	Does string // in one line
	// Run does it. Violations go into the result; an error means that the method itself could not do its work. It ends
	// every process that it started, and stops at the first violation where going on would teach nothing.
	Run func(ctx context.Context, c Config) (Result, error)
	// Worker, if any, is what a process of the method does that was started by Start.
	Worker func(args []string) int
	Limit  time.Duration // of a quick run; a method that takes longer than several times that hangs. 0: a minute
}
