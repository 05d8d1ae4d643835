// Package protobuf walks over the fields of protobuf messages of which only a few matter, without code generated for
// them. It knows nothing of what they mean.
package protobuf

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrMalformed is returned for bytes that are no message.
var ErrMalformed = errors.New("malformed protobuf message")

// Field is the value of one field.
type Field struct {
	Kind protowire.Type
	N    uint64 // of a varint, fixed32 or fixed64
	Data []byte // of bytes, texts, messages inside and packed numbers; a part of the message
}

// Each calls f for every field of a message in order, until f returns an error. Groups are passed over.
func Each(message []byte, f func(protowire.Number, Field) error) error {
	for len(message) > 0 {
		num, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return ErrMalformed
		}
		message = message[n:]
		v := Field{Kind: kind}
		switch kind {
		case protowire.VarintType:
			v.N, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			v.N, n = protowire.ConsumeFixed64(message)
		case protowire.Fixed32Type:
			var n32 uint32
			n32, n = protowire.ConsumeFixed32(message)
			v.N = uint64(n32)
		case protowire.BytesType:
			v.Data, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(num, kind, message)
		}
		if n < 0 {
			return ErrMalformed
		}
		message = message[n:]
		if kind == protowire.StartGroupType {
			continue
		}
		if err := f(num, v); err != nil {
			return err
		}
	}
	return nil
}

// Each calls f for the elements of a repeated field of numbers of a kind, whether they are packed or not.
func (v Field) Each(kind protowire.Type, f func(uint64)) error {
	if v.Kind == kind {
		f(v.N)
		return nil
	}
	for data := v.Data; len(data) > 0; {
		var n int
		var x uint64
		switch kind {
		case protowire.Fixed32Type:
			var x32 uint32
			x32, n = protowire.ConsumeFixed32(data)
			x = uint64(x32)
		case protowire.Fixed64Type:
			x, n = protowire.ConsumeFixed64(data)
		default:
			x, n = protowire.ConsumeVarint(data)
		}
		if n < 0 {
			return ErrMalformed
		}
		f(x)
		data = data[n:]
	}
	return nil
}
