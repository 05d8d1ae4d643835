//go:build !race

package record_test

// thinner is how many times fewer departures the daily exploration makes: see race_on_test.go.
const thinner = 1
