// Package tfevents decodes TensorBoard event files, piece by piece: how records are framed, and which scalars an event
// holds. It opens no file, and keeps nothing but what it is asked for.
//
// A record is a length of 8 bytes, a masked CRC-32C of these, the data, and a masked CRC-32C of the data, all
// little-endian; the data is a protobuf Event (tensorflow/tensorboard 70b76c9, tensorboard/summary/writer/record_writer.py
// and compat/proto/{event,summary,tensor}.proto).
package tfevents

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
)

// MaxRecord is how large the data of a record may be, in bytes: larger ones (images, graphs) are passed over unread.
const MaxRecord = 512 << 10

const (
	header = 12 // the length and its checksum
	footer = 4  // the checksum of the data
)

// ErrLength is returned for a record whose length is not what was written: nobody can say where the next one begins.
var ErrLength = errors.New("the length of a record does not match its checksum")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum that stands in event files.
func masked(data []byte) uint32 {
	crc := crc32.Checksum(data, castagnoli)
	return (crc>>15 | crc<<17) + 0xa282ead8
}

// Split cuts the first whole record off and returns its data (it is a bufio.SplitFunc): nil for one that is passed
// over, because it is larger than MaxRecord or its data does not match its checksum. The advance past a large one may
// lie beyond the data at hand. The error is ErrLength.
func Split(data []byte, _ bool) (advance int, record []byte, err error) {
	if len(data) < header {
		return 0, nil, nil
	}
	length := binary.LittleEndian.Uint64(data)
	if masked(data[:8]) != binary.LittleEndian.Uint32(data[8:]) || length > math.MaxInt-header-footer {
		return 0, nil, ErrLength
	}
	n := int(length)
	whole := header + n + footer
	if n > MaxRecord {
		return whole, nil, nil
	}
	if len(data) < whole {
		return 0, nil, nil
	}
	record = data[header : header+n : header+n]
	if masked(record) != binary.LittleEndian.Uint32(data[header+n:]) {
		return whole, nil, nil
	}
	return whole, record, nil
}
