package proc

import (
	"os"
	ossignal "os/signal"
	"syscall"
	"testing"
)

func TestCatches(t *testing.T) {
	c := make(chan os.Signal, 1)
	ossignal.Notify(c, syscall.SIGUSR2)
	defer ossignal.Stop(c)
	if !Catches(os.Getpid(), syscall.SIGUSR2) {
		t.Error("this process handles SIGUSR2")
	}
	if Catches(1<<22, syscall.SIGUSR2) {
		t.Error("no such process")
	}
	for status, want := range map[string]bool{
		"Name:\tx\nSigCgt:\t0000000000000200\nSigIgn:\t0\n": true, // SIGUSR1, 10
		"SigCgt:\t0000000000000400\n":                       false,
		"SigIgn:\t0000000000000200\nSigCgt:\t0\n":           false,
		"SigCgt:\tzz\n": false,
		"":              false,
	} {
		if got := catches([]byte(status), syscall.SIGUSR1); got != want {
			t.Errorf("%q: %t", status, got)
		}
	}
}
