package wandblog

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"runsheet/internal/tracker/protobuf"
)

// The fields of Record that are read (wandb/proto/wandb_internal.proto).
const (
	fieldHistory = 2
	fieldSummary = 3
	fieldConfig  = 5
	fieldRun     = 17
	fieldExit    = 18
)

// Kind is what a record is about.
type Kind int

// The kinds of records. Of others nothing is said.
const (
	Other   Kind = iota
	History      // a row that was logged
	Summary      // values that stand for the run
	Config       // of the run; the record of a run holds it, too
	Exit         // the run is over
)

// Record is what a record says.
type Record struct {
	Kind        Kind
	Step        int64 // of history
	Items       []Item
	ExitCode    int64 // of the exit
	NotComplete bool  // of the exit
}

// Item is a name and what JSON says of it.
type Item struct {
	Key    string // nested ones as outer.inner
	Nested bool
	JSON   []byte // a part of the record
}

// maxKey is how long a key may be, in bytes; longer ones are left out.
const maxKey = 512

// Decode returns what a record says. It returns an error for one that is none.
func Decode(data []byte) (Record, error) {
	var r Record
	err := protobuf.Each(data, func(num protowire.Number, f protobuf.Field) error {
		if f.Kind != protowire.BytesType {
			return nil
		}
		switch num {
		case fieldHistory:
			r.Kind = History
			return protobuf.Each(f.Data, func(num protowire.Number, f protobuf.Field) error {
				switch {
				case num == 1 && f.Kind == protowire.BytesType:
					return r.item(f.Data)
				case num == 2 && f.Kind == protowire.BytesType:
					return protobuf.Each(f.Data, func(num protowire.Number, f protobuf.Field) error {
						if num == 1 && f.Kind == protowire.VarintType {
							r.Step = int64(f.N)
						}
						return nil
					})
				}
				return nil
			})
		case fieldSummary:
			r.Kind = Summary
			return r.items(f.Data)
		case fieldConfig:
			r.Kind = Config
			return r.items(f.Data)
		case fieldRun:
			r.Kind = Config
			return protobuf.Each(f.Data, func(num protowire.Number, f protobuf.Field) error {
				if num == 4 && f.Kind == protowire.BytesType {
					return r.items(f.Data)
				}
				return nil
			})
		case fieldExit:
			r.Kind = Exit
			return protobuf.Each(f.Data, func(num protowire.Number, f protobuf.Field) error {
				switch {
				case num == 1 && f.Kind == protowire.VarintType:
					r.ExitCode = int64(f.N)
				case num == 3 && f.Kind == protowire.VarintType:
					r.NotComplete = f.N != 0
				}
				return nil
			})
		}
		return nil
	})
	return r, err
}

// items reads the updates of a ConfigRecord or a SummaryRecord.
func (r *Record) items(data []byte) error {
	return protobuf.Each(data, func(num protowire.Number, f protobuf.Field) error {
		if num == 1 && f.Kind == protowire.BytesType {
			return r.item(f.Data)
		}
		return nil
	})
}

// item reads a HistoryItem, a ConfigItem or a SummaryItem.
func (r *Record) item(data []byte) error {
	var i Item
	var nested []string
	size := 0
	err := protobuf.Each(data, func(num protowire.Number, f protobuf.Field) error {
		if f.Kind != protowire.BytesType {
			return nil
		}
		switch num {
		case 1:
			if size += len(f.Data); len(f.Data) <= maxKey {
				i.Key = string(f.Data)
			}
		case 2:
			if size += len(f.Data) + 1; size <= maxKey {
				nested = append(nested, string(f.Data))
			}
		case 16:
			i.JSON = f.Data
		}
		return nil
	})
	if err != nil || size > maxKey {
		return err
	}
	if i.Key == "" {
		i.Key, i.Nested = strings.Join(nested, "."), len(nested) > 1
	}
	if i.Key = strings.ToValidUTF8(i.Key, "?"); i.Key != "" {
		r.Items = append(r.Items, i)
	}
	return nil
}

// Number returns the number that an item is, and whether it is one: non-finite ones are written bare, or as texts.
func (i Item) Number() (float64, bool) {
	text := string(bytes.Trim(i.JSON, " \t\r\n"))
	if n := len(text); n > 2 && text[0] == '"' && text[n-1] == '"' {
		text = text[1 : n-1]
		if c := strings.TrimLeft(text, "+-"); c == "" || c[0] >= '0' && c[0] <= '9' || c[0] == '.' {
			return 0, false // a text that looks like a number is a text
		}
	}
	switch text {
	case "NaN", "nan":
		return math.NaN(), true
	case "Infinity", "inf":
		return math.Inf(1), true
	case "-Infinity", "-inf":
		return math.Inf(-1), true
	}
	if text == "" || len(text) > 64 || !(text[0] == '-' || text[0] >= '0' && text[0] <= '9') {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil || math.IsInf(v, 0)
}
