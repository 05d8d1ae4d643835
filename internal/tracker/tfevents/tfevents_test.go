package tfevents_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"

	"runsheet/internal/prove/hostile/bound"
	"runsheet/internal/tracker/tfevents"
)

// records cuts data into records, and says what is left at the end and why it stopped there.
func records(data []byte) (out [][]byte, left []byte, err error) {
	for len(data) > 0 {
		n, record, err := tfevents.Split(data, false)
		if err != nil || n == 0 || n > len(data) {
			return out, data, err
		}
		out, data = append(out, record), data[n:]
	}
	return out, nil, nil
}

func TestFixture(t *testing.T) {
	want := []tfevents.Event{
		{Wall: 1700000000},
		{Wall: 1700000000, Scalars: []tfevents.Scalar{{Tag: "train/loss", Value: 2.5}}},
		{Wall: 1700000100, Step: 100, Scalars: []tfevents.Scalar{{Tag: "train/loss", Value: 1.25}}},
		{Wall: 1700000200, Step: 200, Scalars: []tfevents.Scalar{{Tag: "epoch_loss", Value: 0.5}}},
		{Wall: 1700000300, Step: 300, Scalars: []tfevents.Scalar{{Tag: "loss_new", Value: 0.25}}},
	}
	for name, n := range map[string]int{"events.out.tfevents.1700000000.host.1.0": 5, "torn.out.tfevents.1700000000.host.1.0": 4} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		got, left, err := records(data)
		if err != nil || len(got) != n || (len(left) > 0) != (n == 4) {
			t.Fatalf("%s: %d records, %d bytes left, %v; want %d records", name, len(got), len(left), err, n)
		}
		for i, record := range got {
			e, err := tfevents.Decode(record)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[i], e); diff != "" {
				t.Errorf("%s, record %d: %s", name, i, diff)
			}
		}
	}
}

// frame frames the data of a record.
func frame(data []byte) []byte {
	sum := func(b []byte) uint32 {
		crc := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
		return (crc>>15 | crc<<17) + 0xa282ead8
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	out = binary.LittleEndian.AppendUint32(out, sum(out))
	out = append(out, data...)
	return binary.LittleEndian.AppendUint32(out, sum(data))
}

func TestSplitPassesOver(t *testing.T) {
	big := frame(make([]byte, tfevents.MaxRecord+1))
	if n, record, err := tfevents.Split(big[:12], false); n != len(big) || record != nil || err != nil {
		t.Errorf("a large record: %d of %d bytes, %v, %v", n, len(big), record != nil, err)
	}
	bad := frame([]byte("data"))
	bad[13]++
	if n, record, err := tfevents.Split(bad, false); n != len(bad) || record != nil || err != nil {
		t.Errorf("bad data: %d of %d bytes, %v, %v", n, len(bad), record != nil, err)
	}
	bad = frame([]byte("data"))
	bad[0]++
	if n, _, err := tfevents.Split(bad, false); n != 0 || err != tfevents.ErrLength {
		t.Errorf("bad length: %d, %v", n, err)
	}
	if n, _, err := tfevents.Split(make([]byte, 64), false); n != 0 || err != tfevents.ErrLength {
		t.Errorf("zeros: %d, %v", n, err)
	}
}

func sub(num protowire.Number, parts ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), bytes.Join(parts, nil))
}

func varint(num protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), n)
}

func fixed32(num protowire.Number, n uint32) []byte {
	return protowire.AppendFixed32(protowire.AppendTag(nil, num, protowire.Fixed32Type), n)
}

func fixed64(num protowire.Number, n uint64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(nil, num, protowire.Fixed64Type), n)
}

// Every way in which a scalar can be written, and what is none.
func TestScalars(t *testing.T) {
	f32 := func(v float32) []byte { return binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)) }
	f64 := func(v float64) []byte { return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)) }
	tensor := func(dtype uint64, parts ...[]byte) []byte {
		return sub(8, varint(1, dtype), sub(2), bytes.Join(parts, nil))
	}
	plugin := func(name string) []byte { return sub(9, sub(1, sub(1, []byte(name)))) }
	class := func(n uint64) []byte { return sub(9, varint(4, n)) }
	dims := func(sizes ...uint64) []byte {
		var out []byte
		for _, n := range sizes {
			out = append(out, sub(2, varint(1, n))...)
		}
		return sub(2, out)
	}
	for name, c := range map[string]struct {
		value []byte
		want  string // empty: no scalar
	}{
		"simple":               {fixed32(2, math.Float32bits(1.5)), "1.5"},
		"simple zero":          {fixed32(2, 0), "0"},
		"simple NaN":           {fixed32(2, math.Float32bits(float32(math.NaN()))), "NaN"},
		"float packed":         {append(tensor(1, sub(5, f32(1.5))), plugin("scalars")...), "1.5"},
		"float unpacked":       {append(tensor(1, fixed32(5, math.Float32bits(-2))), plugin("scalars")...), "-2"},
		"float content":        {append(tensor(1, sub(4, f32(3))), class(1)...), "3"},
		"double packed":        {append(tensor(2, sub(6, f64(1e300))), plugin("scalars")...), "1e+300"},
		"double unpacked":      {append(tensor(2, fixed64(6, math.Float64bits(.1))), class(1)...), "0.1"},
		"double content":       {append(tensor(2, sub(4, f64(.1))), class(1)...), "0.1"},
		"int32":                {append(tensor(3, varint(7, 1<<64-5)), class(1)...), "-5"},
		"int32 content":        {append(tensor(3, sub(4, []byte{0xff, 0xff, 0xff, 0xff})), class(1)...), "-1"},
		"int64 packed":         {append(tensor(9, sub(10, []byte{7})), class(1)...), "7"},
		"int64 content":        {append(tensor(9, sub(4, []byte{1, 1, 0, 0, 0, 0, 0, 0})), class(1)...), "257"},
		"half":                 {append(tensor(19, varint(13, 0x3e00)), class(1)...), "1.5"},
		"half content":         {append(tensor(19, sub(4, []byte{0, 0xc0})), class(1)...), "-2"},
		"half subnormal":       {append(tensor(19, varint(13, 1)), class(1)...), "5.960464477539063e-08"},
		"half infinite":        {append(tensor(19, varint(13, 0xfc00)), class(1)...), "-Inf"},
		"bfloat16":             {append(tensor(14, varint(13, 0x3fc0)), class(1)...), "1.5"},
		"no metadata":          {tensor(1, sub(5, f32(4))), "4"},
		"the default":          {append(tensor(1), class(1)...), "0"},
		"one element":          {append(sub(8, varint(1, 1), dims(1), sub(5, f32(4))), plugin("scalars")...), "4"},
		"another plugin":       {append(tensor(1, sub(5, f32(4))), plugin("pr_curves")...), ""},
		"another class":        {append(tensor(1, sub(5, f32(4))), class(2)...), ""},
		"a vector":             {append(sub(8, varint(1, 1), dims(2), sub(5, f32(4), f32(5))), plugin("scalars")...), ""},
		"a histogram":          {sub(8, varint(1, 2), dims(1, 3), sub(6, f64(1), f64(2), f64(3))), ""},
		"a text":               {append(sub(8, varint(1, 7), sub(2), sub(8, []byte("text"))), plugin("text")...), ""},
		"an image":             {sub(4, varint(1, 3)), ""},
		"content of odd size":  {append(tensor(1, sub(4, []byte{1, 2, 3})), class(1)...), ""},
		"no value":             {nil, ""},
		"an empty dimension":   {append(sub(8, varint(1, 1), sub(2, sub(2))), plugin("scalars")...), ""},
		"content in two types": {append(tensor(7, sub(4, f32(1))), class(1)...), ""},
	} {
		record := append(fixed64(1, math.Float64bits(1.7e9)), varint(2, 3)...)
		record = append(record, sub(5, sub(1, sub(1, []byte("tag")), c.value))...)
		e, err := tfevents.Decode(record)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := ""
		if len(e.Scalars) > 0 {
			got = fmt.Sprint(e.Scalars[0].Value)
		}
		if got != c.want || e.Step != 3 {
			t.Errorf("%s: %q at %d, want %q", name, got, e.Step, c.want)
		}
	}
}

func TestEvents(t *testing.T) {
	if e, err := tfevents.Decode(append(varint(2, 41), sub(7, varint(1, 1))...)); err != nil || !e.Start || e.Step != 41 {
		t.Errorf("a session's start: %+v, %v", e, err)
	}
	if e, err := tfevents.Decode(append(varint(2, 41), sub(7, varint(1, 2))...)); err != nil || e.Start {
		t.Errorf("a session's end: %+v, %v", e, err)
	}
	if e, err := tfevents.Decode(varint(2, 1<<64-1)); err != nil || e.Step != -1 {
		t.Errorf("a negative step: %+v, %v", e, err)
	}
	many := sub(5, sub(1, sub(1, []byte("a")), fixed32(2, 0)), sub(1, sub(1, []byte("b")), fixed32(2, 0)), sub(1, sub(1, []byte(strings.Repeat("c", 1000))), fixed32(2, 0)))
	if e, err := tfevents.Decode(many); err != nil || len(e.Scalars) != 2 {
		t.Errorf("many: %+v, %v", e, err)
	}
	if _, err := tfevents.Decode([]byte{0x2a, 5, 1}); err == nil {
		t.Error("a cut message is an event")
	}
}

func FuzzEvents(f *testing.F) {
	files, err := filepath.Glob("testdata/*.out.tfevents.*")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		all, _, _ := records(data)
		for _, record := range all {
			f.Add(record)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		bound.Do(t, func() {
			decode := func(record []byte) {
				e, err := tfevents.Decode(record)
				if err == nil && len(e.Scalars) > len(record)/5 {
					t.Fatalf("%d scalars in %d bytes", len(e.Scalars), len(record))
				}
			}
			// The fuzzer does not find checksums: what it makes is read as an event, too.
			decode(data)
			all, left, _ := records(data)
			n := len(left)
			for _, record := range all {
				if decode(record); record != nil {
					n += len(record) + 16
				}
			}
			if n > len(data) {
				t.Fatalf("%d bytes in records and left, of %d", n, len(data))
			}
		})
	})
}
