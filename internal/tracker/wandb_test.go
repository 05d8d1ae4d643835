package tracker_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/prove/hostile/bound"
	"runsheet/internal/tracker"
)

var wandB = runsheet.ProgressSpec{Tracker: "wandb"}

func TestWandB(t *testing.T) {
	all := []string{"*"}
	checkCases(t, []tcase{
		{dir: "real/wandb/start", spec: wandB, metrics: all, want: "wandb 0/? step"},
		{dir: "real/wandb/running", metrics: all, want: "wandb 7/10 epoch, epoch=6, train/loss=0.14286, val.acc=0.6"},
		{dir: "real/wandb/killed", metrics: all, want: "wandb 28/40 epoch, epoch=27, train/loss=0.035714, val.acc=2.7"},
		{dir: "real/wandb/crashed", spec: wandB, metrics: all, want: "wandb 7/10 epoch, epoch=6, train/loss=0.14286, val.acc=0.6"},
		{dir: "real/wandb/end", metrics: all, want: "wandb 10/10 epoch, finished, epoch=9, train/loss=0.1, val.acc=0.9"},
		{dir: "wandb/fixture", metrics: all, want: "wandb 10/? step, finished, loss=0.5"},
	})
}

func TestWandBWhole(t *testing.T) {
	checkWhole(t, []tcase{
		{dir: "real/wandb/running", spec: runsheet.ProgressSpec{Epochs: true, Total: 20}, want: "wandb 7/20 epoch"},
		{dir: "real/wandb/running", spec: runsheet.ProgressSpec{Total: 9, Unit: "call"}, want: "wandb 7/9 call"},
		{dir: "real/wandb/killed-soon", spec: wandB, want: "wandb 0/? step"}, // wandb-core had written nothing
		{dir: "real/wandb/terminated", spec: wandB, want: "wandb 0/? step"},
		{dir: "real/wandb/interrupted", want: "wandb 7/10 epoch"}, // exit code 255
		{dir: "real/wandb/exit1", want: "wandb 7/10 epoch"},
		{dir: "real/wandb/nan", metrics: []string{"train/loss"}, want: "wandb 10/10 epoch, finished, train/loss=NaN"},
		{dir: "real/wandb/resumed", metrics: []string{"epoch"}, want: "wandb 9/10 epoch, finished, epoch=9"}, // of the first one nothing was written
		{dir: "wandb/fixture", spec: runsheet.ProgressSpec{Tracker: "wandb", Epochs: true, Total: 3}, want: "wandb 0/3 epoch, finished, loss=0.5", metrics: []string{"*"}},
	})
	if what, ok := tracker.Recognise(durable.OS(), copied(t, "testdata/real/wandb/killed-soon")); ok && !what.ByLog {
		t.Error("a log without a row is recognised")
	}
}

// wandbItem is an item of a history, a summary or a configuration.
func wandbItem(key, json string) []byte {
	item := protowire.AppendString(protowire.AppendTag(nil, 2, protowire.BytesType), key)
	return protowire.AppendString(protowire.AppendTag(item, 16, protowire.BytesType), json)
}

// wandbRecord is a record of a kind whose items are pairs of keys and what JSON says.
func wandbRecord(kind protowire.Number, items ...string) []byte {
	var body []byte
	for i := 0; i < len(items); i += 2 {
		item := wandbItem(items[i], items[i+1])
		if kind == 5 {
			item = protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), items[i])
			item = protowire.AppendString(protowire.AppendTag(item, 16, protowire.BytesType), items[i+1])
		}
		body = protowire.AppendBytes(protowire.AppendTag(body, 1, protowire.BytesType), item)
		if kind == 2 && items[i] == "_step" {
			var step int64
			fmt.Sscan(items[i+1], &step)
			n := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(step))
			body = protowire.AppendBytes(protowire.AppendTag(body, 2, protowire.BytesType), n)
		}
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, kind, protowire.BytesType), body)
}

// wandbRow is a row of a history.
func wandbRow(step int, items ...string) []byte {
	return wandbRecord(2, append(items, "_step", fmt.Sprint(step), "_timestamp", fmt.Sprint(1_700_000_000+60*step))...)
}

func wandbExit(code uint64) []byte {
	body := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), code)
	return protowire.AppendBytes(protowire.AppendTag(nil, 18, protowire.BytesType), body)
}

// wandbLog is a log with such records, over as many blocks as it takes.
func wandbLog(records ...[]byte) []byte {
	const block = 32768
	out := []byte(":W&B\xe1\xbe\x00")
	for _, r := range records {
		for kind := byte(2); ; kind = 3 {
			left := block - len(out)%block
			if left < 7 {
				out = append(out, make([]byte, left)...)
				left = block
			}
			n := min(len(r), left-7)
			if n == len(r) {
				kind = map[byte]byte{2: 1, 3: 4}[kind]
			}
			typed := append([]byte{kind}, r[:n]...)
			out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(typed))
			out = binary.LittleEndian.AppendUint16(out, uint16(n))
			out = append(out, typed...)
			if r = r[n:]; kind == 1 || kind == 4 {
				break
			}
		}
	}
	return out
}

func TestWandBRuns(t *testing.T) {
	const first, second = "wandb/run-20240131_120000-a/run-a.wandb", "wandb/offline-run-20240201_090000-b/run-b.wandb"
	transformers := func(config ...string) []byte {
		return wandbLog(wandbRecord(5, config...), wandbRow(0, "train/global_step", "20", "train/epoch", "0.5", "train/loss", "1"),
			wandbRow(1, "train/global_step", "40", "train/epoch", "1.5", "train/loss", "0.5"))
	}
	epochs := wandbLog(wandbRecord(5, "epochs", "10"), wandbRow(0, "epoch", "0"), wandbRow(1, "epoch", "1"), wandbRow(2, "epoch", "2"))
	for name, c := range map[string]struct {
		files []any
		spec  runsheet.ProgressSpec
		want  string
	}{
		"transformers":           {[]any{first, transformers("max_steps", "-1", "num_train_epochs", "3.0")}, wandB, "wandb 1/3 epoch, train/epoch=1.5, train/global_step=40, train/loss=0.5"},
		"transformers, by steps": {[]any{first, transformers("max_steps", "60", "num_train_epochs", "3.0")}, wandB, "wandb 40/60 step, train/epoch=1.5, train/global_step=40, train/loss=0.5"},
		"transformers, total in the sheet": {[]any{first, transformers("max_steps", "-1", "num_train_epochs", "3")}, runsheet.ProgressSpec{Tracker: "wandb", Total: 80},
			"wandb 40/80 step, train/epoch=1.5, train/global_step=40, train/loss=0.5"},
		"Lightning": {[]any{first, wandbLog(wandbRow(0, "trainer/global_step", "49", "epoch", "0"), wandbRow(1, "trainer/global_step", "99", "epoch", "1"), wandbRow(2, "trainer/global_step", "149", "epoch", "1"))},
			wandB, "wandb 150/? step, epoch=1, trainer/global_step=149"},
		"steps alone":           {[]any{first, wandbLog(wandbRow(0, "loss", "2"), wandbRow(1, "loss", "1"))}, wandB, "wandb 2/? step, loss=1"},
		"max_steps of whatever": {[]any{first, wandbLog(wandbRecord(5, "max_steps", "10"), wandbRow(0, "loss", "2"))}, wandB, "wandb 1/? step, loss=2"},
		"epochs that say two things": {[]any{first, wandbLog(wandbRecord(5, "epochs", "10", "max_epochs", "20"), wandbRow(0, "epoch", "0"), wandbRow(1, "epoch", "1"))},
			wandB, "wandb 2/? step, epoch=1"},
		"no epoch": {[]any{first, wandbLog(wandbRow(0, "loss", "2"), wandbRow(1, "loss", "1"))}, runsheet.ProgressSpec{Tracker: "wandb", Epochs: true, Total: 3},
			"error: the history in " + first + " has no epoch; log one, or give `total` instead of `epochs` in the sheet"},
		"resumed":                  {[]any{first, epochs, second, wandbLog(wandbRecord(5, "epochs", "10"), wandbRow(0, "epoch", "2"), wandbRow(1, "epoch", "3"))}, wandB, "wandb 4/10 epoch, epoch=3"},
		"resumed, nothing written": {[]any{first, epochs, second, ":W&B\xe1\xbe\x00"}, wandB, "wandb 3/10 epoch, epoch=2"},
		"begun anew after the end": {[]any{first, append(epochs, wandbLog(wandbExit(0))[7:]...), second, ""}, wandB, "wandb 3/10 epoch, epoch=2"},
		"the newest first":         {[]any{second, wandbLog(wandbRow(0, "loss", "2")), first, epochs}, wandB, "wandb 1/? step, loss=2"},
		"a run's own directory":    {[]any{"run-a.wandb", epochs}, wandB, "wandb 3/10 epoch, epoch=2"},
		"the summary": {[]any{first, wandbLog(wandbRecord(3, "loss", "9", "best", "0.5"), wandbRow(0, "loss", "2"), wandbRecord(3, "_runtime", "3", "loss", "9", "hist", `{"_type": "histogram"}`))},
			wandB, "wandb 1/? step, best=0.5, loss=2"},
		"another file": {[]any{first, strings.Repeat("x", 100)}, wandB, "error: " + first + " is broken (100 bytes): it does not begin as a log of wandb does (version 0). In DIR: repair or remove it"},
		"nothing":      {nil, wandB, "wandb 0/? step"},
	} {
		checkPut(t, name, c.spec, c.want, c.files...)
	}
}

// TestWandBBlocks holds that a log over many blocks is read the same wherever it is cut, that its times are those of the
// rows, and that what is kept of it is small.
func TestWandBBlocks(t *testing.T) {
	const file = "wandb/run-20240131_120000-a/run-a.wandb"
	records := [][]byte{wandbRecord(5, "epochs", "200")}
	for i := range 120 {
		records = append(records, wandbRecord(3, "loss", "1"), wandbRecord(4, "output", strings.Repeat("x", 500*(i%40))))
		records = append(records, wandbRow(i, "epoch", fmt.Sprint(i), "text", `"`+strings.Repeat("y", 701)+`"`))
	}
	data := wandbLog(records...)
	const want = "wandb 120/200 epoch"
	dir := put(t, file, data)
	r := later(t, dir, wandB, nil)
	if p := r.Progress; told(p) != want || p.PerUnit != time.Minute || len(r.Cursors[0].State) > 128<<10 {
		t.Errorf("told %s, an epoch in %v, a state of %d bytes", told(p), p.PerUnit, len(r.Cursors[0].State))
	}
	for n := 0; n < len(data); n += len(data)/150 + 1 {
		if err := os.WriteFile(filepath.Join(dir, file), data[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		part := later(t, dir, wandB, nil)
		if err := appendTo(filepath.Join(dir, file), data[n:]); err != nil {
			t.Fatal(err)
		}
		if got := told(later(t, dir, wandB, part.Cursors).Progress); got != want || part.Progress.Error != "" {
			t.Fatalf("cut at %d of %d: %s, then %s", n, len(data), told(part.Progress), got)
		}
	}
}

// TestWandBLarge holds that a log of 200 MiB of nothing is passed over in bounded memory.
func TestWandBLarge(t *testing.T) {
	const file = "wandb/run-20240131_120000-a/run-a.wandb"
	dir := put(t, file, wandbLog(wandbRow(0, "loss", "2")))
	if err := os.Truncate(filepath.Join(dir, file), 200<<20); err != nil {
		t.Fatal(err)
	}
	if err := appendTo(filepath.Join(dir, file), wandbLog(wandbRow(1, "loss", "1"))[7:]); err != nil {
		t.Fatal(err)
	}
	bound.Do(t, func() {
		if got := told(later(t, dir, wandB, nil).Progress); got != "wandb 2/? step" {
			t.Errorf("told %s", got)
		}
	})
}

func TestWandBSeries(t *testing.T) {
	now := func() time.Time { return time.Now().Add(time.Hour) }
	for want, spec := range map[runsheet.Point]runsheet.ProgressSpec{
		{Step: 28, Value: 1. / 28}: {},
		{Step: 28, Value: 2.7}:     {Tracker: "wandb", Total: 100},
	} {
		series, p := tracker.Series(context.Background(), durable.OS(), copied(t, "testdata/real/wandb/killed"), spec, tracker.Options{Now: now})
		points := series[map[bool]string{true: "train/loss", false: "val.acc"}[spec.Total == 0]]
		if len(points) != 28 || points[0].Step != 1 || points[27] != want || p.Completed != 28 {
			t.Errorf("%v, %s", points, p.String())
		}
	}
}

func FuzzWandB(f *testing.F) {
	files, err := filepath.Glob("testdata/real/wandb/*/wandb/*/*.wandb")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, len(data)/2)
	}
	f.Add(wandbRow(3, "a", "1"), 10)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		fuzzWorkDir(t, "run-a.wandb", data, cut, wandB)
		// The fuzzer does not find checksums: what it makes is a record, too.
		fuzzWorkDir(t, "run-a.wandb", wandbLog(data, data), cut, wandB)
	})
}
