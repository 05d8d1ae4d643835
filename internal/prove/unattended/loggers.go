package unattended

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"runsheet"
)

// loggers are the trackers of what loggers leave: event files, the log of W&B, the store of MLflow.
func loggers() []program {
	counted := func(tracker string) runsheet.ProgressSpec {
		return runsheet.ProgressSpec{Tracker: tracker, Total: 10 * units}
	}
	return []program{
		{name: "tensorboard", spec: counted("tensorboard"), total: 10 * units, steps: eventFile},
		{name: "tensorboard, by auto", spec: counted(""), total: 10 * units, steps: eventFile},
		{name: "wandb", spec: runsheet.ProgressSpec{}, total: units, steps: wandb},
		{name: "wandb, total in the sheet", spec: runsheet.ProgressSpec{Tracker: "wandb", Total: units, Epochs: true}, total: units, steps: wandb},
		{name: "mlflow", free: true, spec: runsheet.ProgressSpec{}, total: units, steps: mlflow},
		{name: "mlflow, total in the sheet", free: true, spec: runsheet.ProgressSpec{Tracker: "mlflow", Total: units, Epochs: true}, total: units, steps: mlflow},
	}
}

// field returns a field of a message that holds bytes.
func field(n protowire.Number, parts ...[]byte) []byte {
	var data []byte
	for _, p := range parts {
		data = append(data, p...)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), data)
}

// number returns a field that holds a number.
func number(n protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), v)
}

// event returns a record of an event file: of its beginning, or of a scalar at a step.
func event(stepped int64, version bool) string {
	e := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(1.7e9+float64(stepped)))
	if version {
		e = append(e, field(3, []byte("brain.Event:2"))...)
	} else {
		value := protowire.AppendFixed32(protowire.AppendTag(field(1, []byte("train/loss")), 2, protowire.Fixed32Type), math.Float32bits(0.5))
		e = append(append(e, number(2, uint64(stepped))...), field(5, field(1, value))...)
	}
	sum := func(b []byte) uint32 {
		crc := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
		return (crc>>15 | crc<<17) + 0xa282ead8
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(e)))
	out = binary.LittleEndian.AppendUint32(out, sum(out))
	return string(binary.LittleEndian.AppendUint32(append(out, e...), sum(e)))
}

// eventFile makes a file of its own with each attempt.
func eventFile(attempt int, from int64) (out []step) {
	file := fmt.Sprintf("runs/exp/events.out.tfevents.170000%d000.host.1.0", attempt)
	out = append(out, step{how: begins, path: file, data: event(0, true), done: from})
	for n := from/10*10 + 10; n <= 10*units; n += 10 {
		out = append(out, step{path: file, data: event(n, false), done: n})
	}
	return out
}

// wandb makes a run of its own with each attempt. The history goes on with the epoch.
func wandb(attempt int, from int64) (out []step) {
	file := fmt.Sprintf("wandb/run-2026010%d_000000-abc%d/run-abc%d.wandb", attempt, attempt, attempt)
	piece := func(r []byte) string {
		typed := append([]byte{1}, r...)
		head := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(typed))
		return string(append(binary.LittleEndian.AppendUint16(head, uint16(len(r))), typed...))
	}
	item := func(key, value string) []byte { return append(field(1, []byte(key)), field(16, []byte(value))...) }
	out = append(out, step{how: begins, path: file, data: ":W&B\xe1\xbe\x00", done: from},
		step{path: file, data: piece(field(5, field(1, item("epochs", fmt.Sprint(units))))), done: from})
	for n := from; n < units; n++ {
		row := field(2, field(1, item("epoch", fmt.Sprint(n))), field(1, item("loss", "0.5")), field(1, item("_timestamp", fmt.Sprint(1_700_000_000+60*n))),
			field(2, number(1, uint64(n-from))))
		out = append(out, step{path: file, data: piece(row), done: n + 1})
	}
	return append(out, step{path: file, data: piece(field(18, number(1, 0))), done: units})
}

// mlflow makes a run of its own with each attempt.
func mlflow(attempt int, from int64) (out []step) {
	dir := fmt.Sprintf("mlruns/1/%032x/", attempt)
	meta := func(status int) string {
		return fmt.Sprintf("lifecycle_stage: active\nrun_id: %032x\nstart_time: 179563879%d854\nstatus: %d\nuser_id: user\n", attempt, attempt, status)
	}
	out = append(out, step{how: begins, path: dir + "meta.yaml", data: meta(1), done: from},
		step{how: begins, path: dir + "params/epochs", data: fmt.Sprint(units), done: from})
	for n := from; n < units; n++ {
		out = append(out, step{path: dir + "metrics/loss", data: fmt.Sprintf("17956387948%02d 0.%d %d\n", n, n, n), done: n + 1},
			step{path: dir + "metrics/epoch", data: fmt.Sprintf("17956387948%02d %d %d\n", n, n+1, n), done: n + 1})
	}
	return append(out, step{how: replaces, path: dir + "meta.yaml", data: meta(3), done: units})
}
