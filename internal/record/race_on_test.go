//go:build race

package record_test

// thinner is how many times fewer departures the daily exploration makes under the race detector: it takes thirty times
// as long there, and only one goroutine runs at a time.
const thinner = 4
