package record

import (
	"errors"
	"testing"

	"runsheet/internal/prove/hostile/bound"
)

// Whatever stands in a record, it is a whole one or damage; and a whole one can be written again.
func FuzzRecords(f *testing.F) {
	for _, s := range []string{
		`{"schema": "runsheet.claim/1", "attempt": 1, "nonce": "n", "command": "true", "devices": ["0"], "at": "2026-01-02T03:04:05Z"}`,
		`{"schema": "runsheet.start/1", "nonce": "n", "process": {"host": "h", "pid": 12, "boot_id": "b"}}`,
		`{"schema": "runsheet.start/1", "nonce": "n", "void": true}`,
		`{"schema": "runsheet.end/1", "nonce": "n", "kind": "exited", "exit_code": 1, "progress": {"completed": 3, "metrics": {"loss": "NaN"}}}`,
		`{"schema": "runsheet.request/1", "kind": "stop", "by": "a"}`, `{"schema": "runsheet.request/1", "kind": "retry"}`,
		`{"schema": "runsheet.claim/2"}`, `{"schema": "runsheet.claim/1", "attempt": -1, "nonce": "n"}`, `{"schema": "runsheet.cl`, "", "null", "[]", "\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		again(t, data, DecodeClaim)
		again(t, data, DecodeStart)
		again(t, data, DecodeEnd)
		again(t, data, DecodeRequest)
	})
}

// again decodes data, and what it encodes to.
func again[R any](t *testing.T, data []byte, decode func([]byte) (R, error)) {
	t.Helper()
	var v R
	var err error
	bound.Do(t, func() { v, err = decode(data) })
	if err != nil {
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("not called damage: %v", err)
		}
		return
	}
	text, err := encode(v)
	if err == nil {
		_, err = decode(text)
	}
	if err != nil {
		t.Errorf("%q was read, and cannot be written again: %v", data, err)
	}
}
