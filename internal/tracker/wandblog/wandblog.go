// Package wandblog decodes the log that a run of Weights & Biases leaves (run-<id>.wandb), block by block. It opens no
// file.
//
// It is the log of LevelDB with a header of its own: ":W&B", two bytes that tell it from others, and a version. Blocks
// are 32,768 bytes, the header counted in; a record is cut into pieces that never span a block, each with a CRC-32
// (IEEE, of the type and the data, not masked), a length of 2 bytes and a type. Where fewer than 7 bytes are left in a
// block they are padding. (wandb/wandb b6e2950, wandb/sdk/internal/datastore.py and core/pkg/leveldb; files written by
// wandb 0.31.0.)
package wandblog

import (
	"encoding/binary"
	"hash/crc32"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	block     = 32768
	header    = 7         // of the file
	prefix    = 7         // of a piece
	maxRecord = 128 << 10 // bytes; longer records are left out: they are no history of scalars
)

const magic = ":W&B\xe1\xbe\x00"

// The types of pieces.
const (
	full = 1 + iota
	first
	middle
	last
)

// Log is what is known of a log after some of its blocks. JSON can hold it.
type Log struct {
	Begun bool   `json:"begun,omitzero"` // the header was read
	Alien bool   `json:"alien,omitzero"` // there is another header
	Part  []byte `json:"part,omitempty"` // of a record whose rest stands in the next block
	Open  bool   `json:"open,omitzero"`  // Part is to be gone on with
}

// Split cuts the first whole block off (it is a bufio.SplitFunc). It must begin at the beginning of the file, or where
// an earlier one ended.
func Split(data []byte, _ bool) (advance int, whole []byte, err error) {
	if len(data) < block {
		return 0, nil, nil
	}
	return block, data[:block], nil
}

// Block calls record for each record that ends in the next block. It may be the beginning of the last block: what is not
// whole in it is passed over, and so is the rest of a block that is damaged. record must not keep what it is given.
func (l *Log) Block(data []byte, record func([]byte)) {
	if !l.Begun {
		if len(data) < header {
			return
		}
		l.Begun, l.Alien = true, string(data[:header]) != magic
		data = data[header:]
	}
	if l.Alien {
		return
	}
	for len(data) >= prefix {
		sum, length, kind := binary.LittleEndian.Uint32(data), int(binary.LittleEndian.Uint16(data[4:])), data[6]
		if length > len(data)-prefix {
			return // not whole yet, or damaged
		}
		piece := data[prefix : prefix+length]
		if crc32.ChecksumIEEE(data[6:prefix+length]) != sum {
			l.drop()
			return
		}
		data = data[prefix+length:]
		switch kind {
		case full:
			l.drop()
			record(piece)
		case first:
			l.drop()
			if l.Open = wanted(piece); l.Open {
				l.Part = append(l.Part, piece...)
			}
		case middle, last:
			if !l.Open {
				continue // of a record that is not wanted, or whose beginning is lost
			}
			if len(l.Part)+len(piece) > maxRecord {
				l.drop()
				continue
			}
			if l.Part = append(l.Part, piece...); kind == last {
				record(l.Part)
				l.drop()
			}
		default:
			l.drop()
			return
		}
	}
}

// drop forgets a record whose rest is not wanted.
func (l *Log) drop() { l.Part, l.Open = nil, false }

// wanted says whether the record that begins so is one that Decode reads: outputs and samples of the system are not
// kept until they are whole.
func wanted(piece []byte) bool {
	for len(piece) > 0 {
		num, kind, n := protowire.ConsumeTag(piece)
		if n < 0 {
			return false
		}
		switch num {
		case fieldHistory, fieldSummary, fieldConfig, fieldRun, fieldExit:
			return true
		}
		if kind != protowire.VarintType {
			return false
		}
		_, m := protowire.ConsumeVarint(piece[n:])
		if m < 0 {
			return false
		}
		piece = piece[n+m:]
	}
	return false
}
