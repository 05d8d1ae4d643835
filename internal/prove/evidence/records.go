package evidence

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// eventRecord frames the data of a record of TensorBoard's event files.
func eventRecord(data []byte) []byte {
	sum := func(b []byte) uint32 {
		crc := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
		return (crc>>15 | crc<<17) + 0xa282ead8
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	out = binary.LittleEndian.AppendUint32(out, sum(out))
	return binary.LittleEndian.AppendUint32(append(out, data...), sum(data))
}

// scalarEvent is an event with one value, as torch's SummaryWriter writes it.
func scalarEvent(step int) string {
	value := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "loss")
	value = protowire.AppendFixed32(protowire.AppendTag(value, 2, protowire.Fixed32Type), math.Float32bits(0.5))
	summary := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), value)
	e := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(1.7e9+60*float64(step)))
	e = protowire.AppendVarint(protowire.AppendTag(e, 2, protowire.VarintType), uint64(step))
	return string(eventRecord(protowire.AppendBytes(protowire.AppendTag(e, 5, protowire.BytesType), summary)))
}

// wandbHead begins a log of Weights & Biases.
const wandbHead = ":W&B\xe1\xbe\x00"

// wandbRow is a row of a history in such a log, in one piece.
func wandbRow(step int) string {
	item := func(key, json string) []byte {
		i := protowire.AppendString(protowire.AppendTag(nil, 2, protowire.BytesType), key)
		return protowire.AppendString(protowire.AppendTag(i, 16, protowire.BytesType), json)
	}
	var body []byte
	for _, pair := range [][2]string{{"loss", "0.5"}, {"_step", fmt.Sprint(step)}, {"_timestamp", fmt.Sprint(1_700_000_000 + 60*step)}} {
		body = protowire.AppendBytes(protowire.AppendTag(body, 1, protowire.BytesType), item(pair[0], pair[1]))
	}
	n := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(step))
	body = protowire.AppendBytes(protowire.AppendTag(body, 2, protowire.BytesType), n)
	record := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), body)
	typed := append([]byte{1}, record...)
	out := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(typed))
	out = binary.LittleEndian.AppendUint16(out, uint16(len(record)))
	return string(append(out, typed...))
}
