package bound

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// recorder is a T that only remembers.
type recorder struct{ said string }

func (r *recorder) Helper()                           {}
func (r *recorder) Fatalf(format string, args ...any) { r.said = fmt.Sprintf(format, args...) }

var kept [][]byte

// collections waits until as many collections have ended.
func collections(n int64) {
	var first, now debug.GCStats
	for debug.ReadGCStats(&first); now.NumGC < first.NumGC+n; debug.ReadGCStats(&now) {
		runtime.Gosched()
	}
}

func TestMemory(t *testing.T) {
	calls := 0
	for _, tt := range []struct {
		name string
		f    func()
		bad  bool
	}{
		{"little", func() { kept = [][]byte{make([]byte, 1<<20)} }, false},
		{"much, one after the other", func() {
			for range 200 {
				kept = [][]byte{make([]byte, 1<<20)}
			}
		}, false},
		{"much at once", func() {
			kept = nil
			for range 200 {
				kept = append(kept, make([]byte, 1<<20))
			}
			if calls++; calls > 1 {
				collections(4) // by whoever measures
			}
		}, true},
	} {
		r := &recorder{}
		Do(r, tt.f)
		if (r.said != "") != tt.bad {
			t.Errorf("%s: %q", tt.name, r.said)
		}
		kept = nil
	}
}

func TestHang(t *testing.T) {
	if os.Getenv("BOUND_HANG") != "" {
		Do(t, func() { select {} })
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestHang$")
	cmd.Env = append(os.Environ(), "BOUND_HANG=1")
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "takes longer than 10s") || time.Since(began) > 3*Time {
		t.Errorf("%v after %v: %s", err, time.Since(began), out)
	}
}
