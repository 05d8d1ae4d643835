package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"runsheet"
	"runsheet/internal/durable"
)

// The schemas of the records. A record of another schema was written by a later version or by somebody else, and is an
// error: it is never taken for an absent one.
const (
	claimSchema   = "runsheet.claim/1"
	startSchema   = "runsheet.start/1"
	endSchema     = "runsheet.end/1"
	requestSchema = "runsheet.request/1"
)

// ErrDamaged: a record is there, but it is not what was written.
var ErrDamaged = errors.New("damaged record")

// encode renders a record as one document with a final newline, so that `cat` is pleasant.
func encode(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", " ")
	return append(data, '\n'), err
}

// DecodeClaim parses a claim. It returns ErrDamaged for anything but a whole one.
func DecodeClaim(data []byte) (runsheet.Claim, error) {
	var c runsheet.Claim
	err := decode(data, claimSchema, &c, func() string { return c.Schema })
	if err == nil && (c.Nonce == "" || c.Attempt < 1) {
		err = fmt.Errorf("%w: no nonce or no attempt number", ErrDamaged)
	}
	return c, err
}

// DecodeStart parses a start.
func DecodeStart(data []byte) (runsheet.Start, error) {
	var s runsheet.Start
	err := decode(data, startSchema, &s, func() string { return s.Schema })
	if err == nil && s.Nonce == "" {
		err = fmt.Errorf("%w: no nonce", ErrDamaged)
	}
	return s, err
}

// DecodeEnd parses an end.
func DecodeEnd(data []byte) (runsheet.End, error) {
	var e runsheet.End
	err := decode(data, endSchema, &e, func() string { return e.Schema })
	if err == nil && (e.Nonce == "" || e.Kind == "") {
		err = fmt.Errorf("%w: no nonce or no kind", ErrDamaged)
	}
	return e, err
}

// DecodeRequest parses a request.
func DecodeRequest(data []byte) (runsheet.Request, error) {
	var r runsheet.Request
	err := decode(data, requestSchema, &r, func() string { return r.Schema })
	if err == nil && r.Kind != runsheet.RequestStop && r.Kind != runsheet.RequestRetry {
		err = fmt.Errorf("%w: a request to %q", ErrDamaged, r.Kind)
	}
	return r, err
}

func decode(data []byte, want string, v any, schema func() string) error {
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: %d bytes, beginning %.40q: %w", ErrDamaged, len(data), bytes.TrimSpace(data), err)
	}
	if got := schema(); got != want {
		return durable.WithHint(fmt.Errorf("%w: schema %q, not %q", ErrDamaged, got, want),
			"it was written by another version of runsheet; use that one, or a newer one")
	}
	return nil
}

// readRecord reads and decodes a record; errors name the file.
func readRecord[T any](sys System, label, path string, decode func([]byte) (T, error)) (*T, error) {
	data, err := sys.FS.Read(label, path)
	if err != nil {
		return nil, err
	}
	v, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &v, nil
}
