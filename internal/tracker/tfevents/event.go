package tfevents

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"runsheet/internal/tracker/protobuf"
)

// Event is what an event says of scalars.
type Event struct {
	Wall    float64 // seconds since 1970, as written: it may be anything
	Step    int64   // negative ones are written, too
	Start   bool    // a session starts at Step: what earlier ones wrote from there on is void
	Scalars []Scalar
}

// Scalar is one value of a tag.
type Scalar struct {
	Tag   string
	Value float64
}

// maxTag is how long a tag may be, in bytes; values of longer ones are left out.
const maxTag = 512

// Decode returns what a record says. It returns an error for one that is no Event.
//
// Scalars are written as simple_value (torch, tensorboardX, TensorFlow 1), or as a tensor of one element, of the plugin
// "scalars" or the data class SCALAR (TensorFlow 2, Keras, torch with new_style). Only the first value of a tag must
// carry the plugin's name, so a tensor of one number without any is taken for a scalar.
func Decode(record []byte) (Event, error) {
	var e Event
	err := protobuf.Each(record, func(num protowire.Number, f protobuf.Field) error {
		switch {
		case num == 1 && f.Kind == protowire.Fixed64Type:
			e.Wall = math.Float64frombits(f.N)
		case num == 2 && f.Kind == protowire.VarintType:
			e.Step = int64(f.N)
		case num == 5 && f.Kind == protowire.BytesType:
			return e.summary(f.Data)
		case num == 7 && f.Kind == protowire.BytesType:
			return protobuf.Each(f.Data, func(num protowire.Number, f protobuf.Field) error {
				if num == 1 && f.Kind == protowire.VarintType {
					e.Start = f.N == 1 // SessionLog.START
				}
				return nil
			})
		}
		return nil
	})
	return e, err
}

func (e *Event) summary(data []byte) error {
	return protobuf.Each(data, func(num protowire.Number, f protobuf.Field) error {
		if num != 1 || f.Kind != protowire.BytesType {
			return nil
		}
		tag, v, ok, err := value(f.Data)
		if ok && err == nil {
			e.Scalars = append(e.Scalars, Scalar{tag, v})
		}
		return err
	})
}

// value reads a Summary.Value, and says whether it is a scalar.
func value(data []byte) (tag string, v float64, ok bool, err error) {
	var tensor []byte
	plugin, class := "", uint64(0)
	err = protobuf.Each(data, func(num protowire.Number, f protobuf.Field) error {
		switch {
		case num == 1 && f.Kind == protowire.BytesType && len(f.Data) <= maxTag:
			tag = string(f.Data)
		case num == 2 && f.Kind == protowire.Fixed32Type:
			v, ok = float64(math.Float32frombits(uint32(f.N))), true
		case num == 8 && f.Kind == protowire.BytesType:
			tensor = f.Data
		case num == 9 && f.Kind == protowire.BytesType:
			return protobuf.Each(f.Data, func(num protowire.Number, f protobuf.Field) error {
				switch {
				case num == 1 && f.Kind == protowire.BytesType:
					return protobuf.Each(f.Data, func(num protowire.Number, f protobuf.Field) error {
						if num == 1 && f.Kind == protowire.BytesType && len(f.Data) <= maxTag {
							plugin = string(f.Data)
						}
						return nil
					})
				case num == 4 && f.Kind == protowire.VarintType:
					class = f.N
				}
				return nil
			})
		}
		return nil
	})
	const scalarClass = 1 // DATA_CLASS_SCALAR
	if err == nil && !ok && tensor != nil && (plugin == "scalars" || class == scalarClass || plugin == "" && class == 0) {
		v, ok, err = number(tensor)
	}
	return tag, v, ok && tag != "", err
}

// The types of tensors that can be a number (tensorflow DataType).
const (
	dtFloat  = 1
	dtDouble = 2
	dtInt32  = 3
	dtInt64  = 9
	dtBfloat = 14
	dtHalf   = 19
)

// number reads a TensorProto of one element, and says whether it is one.
func number(data []byte) (v float64, ok bool, err error) {
	var dtype, elements uint64 = 0, 1
	var content []byte
	count := 0
	one := func(x float64) { v, count = x, count+1 }
	err = protobuf.Each(data, func(num protowire.Number, f protobuf.Field) error {
		switch num {
		case 1:
			dtype = f.N
		case 2:
			return protobuf.Each(f.Data, func(num protowire.Number, f protobuf.Field) error { // TensorShapeProto
				if num != 2 || f.Kind != protowire.BytesType {
					return nil
				}
				size := uint64(0) // of one dimension; absent: 0
				err := protobuf.Each(f.Data, func(num protowire.Number, f protobuf.Field) error {
					if num == 1 {
						size = f.N
					}
					return nil
				})
				if size != 1 {
					elements = 0
				}
				return err
			})
		case 4:
			content = f.Data
		case 5:
			return f.Each(protowire.Fixed32Type, func(n uint64) { one(float64(math.Float32frombits(uint32(n)))) })
		case 6:
			return f.Each(protowire.Fixed64Type, func(n uint64) { one(math.Float64frombits(n)) })
		case 7, 10:
			return f.Each(protowire.VarintType, func(n uint64) { one(float64(int64(n))) })
		case 13:
			return f.Each(protowire.VarintType, func(n uint64) { one(small(dtype, uint16(n))) })
		}
		return nil
	})
	if err != nil || elements != 1 || count > 1 {
		return 0, false, err
	}
	if count == 1 {
		return v, true, nil
	}
	switch little := binary.LittleEndian; {
	case dtype == dtFloat && len(content) == 4:
		return float64(math.Float32frombits(little.Uint32(content))), true, nil
	case dtype == dtDouble && len(content) == 8:
		return math.Float64frombits(little.Uint64(content)), true, nil
	case dtype == dtInt32 && len(content) == 4:
		return float64(int32(little.Uint32(content))), true, nil
	case dtype == dtInt64 && len(content) == 8:
		return float64(int64(little.Uint64(content))), true, nil
	case (dtype == dtBfloat || dtype == dtHalf) && len(content) == 2:
		return small(dtype, little.Uint16(content)), true, nil
	case (dtype == dtFloat || dtype == dtDouble || dtype == dtInt32 || dtype == dtInt64 || dtype == dtBfloat || dtype == dtHalf) && len(content) == 0:
		return 0, true, nil // all elements are the default
	}
	return 0, false, nil
}

// small returns a number of 16 bits as it stands in a tensor of the type: IEEE 754 binary16, or bfloat16.
func small(dtype uint64, bits uint16) float64 {
	if dtype == dtBfloat {
		return float64(math.Float32frombits(uint32(bits) << 16))
	}
	sign := 1.0
	if bits&0x8000 != 0 {
		sign = -1
	}
	exponent, fraction := int(bits>>10&31), float64(bits&1023)
	switch {
	case exponent == 31 && fraction != 0:
		return math.NaN()
	case exponent == 31:
		return math.Inf(int(sign))
	case exponent == 0:
		return sign * math.Ldexp(fraction, -24)
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}
