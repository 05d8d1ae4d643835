package proc

import (
	"testing"

	"runsheet/internal/prove/hostile/bound"
)

// A process chooses its own name and environment: whatever they are, they are read or refused.
func FuzzStat(f *testing.F) {
	f.Add([]byte("12 (cat) S 1 12 12 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 100 1 1 1\n"), []byte("A=b\x00RUNSHEET_TOKEN=n\x00"))
	f.Add([]byte("12 (a) b) S (c\n) Z 1 12 12 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 3 0 18446744073709551615"), []byte("RUNSHEET_TOKEN="))
	f.Add([]byte(") ("), []byte("\x00\x00"))
	f.Fuzz(func(t *testing.T, data, environ []byte) {
		var s stat
		var err error
		bound.Do(t, func() {
			s, err = parseStat(data)
			parseToken(environ, "n")
		})
		if err != nil && s != (stat{}) {
			t.Errorf("%q: %+v with %v", data, s, err)
		}
	})
}
