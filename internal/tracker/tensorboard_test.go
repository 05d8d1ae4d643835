package tracker_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
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

// tensorBoard is what a sheet says that names the tracker.
var tensorBoard = runsheet.ProgressSpec{Tracker: "tensorboard"}

func TestTensorBoard(t *testing.T) {
	all := []string{"*"}
	epochs := runsheet.ProgressSpec{Tracker: "tensorboard", Epochs: true, Total: 10}
	checkCases(t, []tcase{
		{dir: "tensorboard/fixture", metrics: all, want: "tensorboard 101/? step, epoch_loss=0.5, loss_new=0.25, train/loss=1.25"},
		{dir: "real/tensorboard/start-flushed", spec: tensorBoard, metrics: all, want: "tensorboard 0/? step"},
		{dir: "real/tensorboard/killed", metrics: all, want: "tensorboard 51/? step, train/loss=0.019608"},
		{dir: "real/tensorboard/resumed", metrics: all, want: "tensorboard 50/? step, train/loss=0.04", most: 60},
		{dir: "real/keras/tensorboard_middle", spec: epochs, want: "tensorboard 3/10 epoch"},
	})
}

// TestTensorBoardWhole holds what is told of other work dirs, among them some whose files cannot be cut one by one: where
// each resume has a directory of its own, to cut the file of an older run makes it the newer.
func TestTensorBoardWhole(t *testing.T) {
	epochs := runsheet.ProgressSpec{Tracker: "tensorboard", Epochs: true, Total: 10}
	checkWhole(t, []tcase{
		{dir: "tensorboard/torn", metrics: []string{"*"}, want: "tensorboard 101/? step, epoch_loss=0.5, train/loss=1.25"},
		{dir: "real/tensorboard/start", spec: tensorBoard, metrics: []string{"*"}, want: "tensorboard 0/? step"},
		{dir: "real/tensorboard/end", metrics: []string{"*"}, want: "tensorboard 91/? step, Accuracy/train=0.9, Loss/train=0.010989"},
		{dir: "real/tensorboard/nan", metrics: []string{"*"}, want: "tensorboard 4/? step, negative step=3, no step=3, train/loss=-Inf"},
		{dir: "real/tensorboard/groups", metrics: []string{"*"}, want: "tensorboard 5/? step, epoch=4, hparam/loss=0.2, loss_train/loss=0.2, loss_val/loss=0.4"},
		{dir: "real/tensorboard/purged", metrics: []string{"*"}, want: "tensorboard 50/? step, train/loss=0.04"},
		{dir: "real/keras/tensorboard", spec: tensorBoard, metrics: []string{"*"}, want: "tensorboard 6/? epoch, epoch_accuracy=0.33333, epoch_learning_rate=0.001, epoch_loss=2.1089, validation/epoch_accuracy=0.29333, validation/epoch_loss=2.126, validation/evaluation_accuracy_vs_iterations=0.29333, validation/evaluation_loss_vs_iterations=2.126"},
		{dir: "real/keras/tensorboard_batches", spec: tensorBoard, metrics: []string{"*"}, want: "tensorboard 2/? epoch, batch_accuracy=0.20444, batch_loss=2.3199, epoch_accuracy=0.20444, epoch_learning_rate=0.001, epoch_loss=2.3199, validation/epoch_accuracy=0.2, validation/epoch_loss=2.302, validation/evaluation_accuracy_vs_iterations=0.2, validation/evaluation_loss_vs_iterations=2.302"},
		{dir: "real/tensorboard/tf_summary", spec: tensorBoard, metrics: []string{"*"}, want: "tensorboard 41/? step, double=40, nan=NaN, train/loss=0.02439"},
		{dir: "real/lightning/tb", spec: tensorBoard, metrics: []string{"*"}, want: "tensorboard 39/? step, epoch=3, hp_metric=-1, train_loss=1.0682, val_loss=0.63715"},
		{dir: "real/transformers/resumed", spec: tensorBoard, metrics: []string{"train/loss", "eval/loss"}, want: "tensorboard 60/? step, train/loss=3.0173, eval/loss=3.0405"},
		{dir: "real/transformers/resumed", spec: epochs, want: "tensorboard 3/10 epoch"},
		{dir: "real/transformers/resumed-middle", spec: epochs, want: "tensorboard 1/10 epoch"}, // the second was killed before it flushed
		{dir: "real/lightning/tb", spec: epochs, want: "tensorboard 3/10 epoch"},                // the epoch under way, so three are certain
		{dir: "real/tensorboard/groups", spec: epochs, want: "tensorboard 5/10 epoch"},
		{dir: "real/tensorboard/new-style", metrics: []string{"*"}, want: "tensorboard 91/? step, Accuracy/train=0.9, Loss/train=0.010989"},
		{dir: "real/tensorboard/end", spec: runsheet.ProgressSpec{Tracker: "tensorboard", Total: 91, Unit: "batch"}, want: "tensorboard 91/91 batch"},
		{dir: "real/tensorboard/end", spec: epochs, want: "error: the event files in runs/exp1 count steps only; give `total` instead of `epochs` in the sheet"},
	})
}

// checkWhole holds what is told of work dirs as they are.
func checkWhole(t *testing.T, cases []tcase) {
	t.Helper()
	for _, c := range cases {
		dir := copied(t, filepath.Join("testdata", c.dir))
		if got := strings.ReplaceAll(told(later(t, dir, c.spec, nil).Progress, c.metrics...), dir, "DIR"); got != c.want {
			t.Errorf("%s\ntold  %s\nwant  %s", c.dir, got, c.want)
		}
	}
}

// record frames the data of a record of an event file.
func record(data []byte) []byte {
	sum := func(b []byte) uint32 {
		crc := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
		return (crc>>15 | crc<<17) + 0xa282ead8
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	out = binary.LittleEndian.AppendUint32(out, sum(out))
	return binary.LittleEndian.AppendUint32(append(out, data...), sum(data))
}

// scalar is an event with one value, as torch's SummaryWriter writes it; it came a minute a step after 2023-11-14.
func scalar(tag string, step int64, v float32) []byte {
	value := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), tag)
	value = protowire.AppendFixed32(protowire.AppendTag(value, 2, protowire.Fixed32Type), math.Float32bits(v))
	summary := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), value)
	e := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(1.7e9+60*float64(step)))
	e = protowire.AppendVarint(protowire.AppendTag(e, 2, protowire.VarintType), uint64(step))
	return record(protowire.AppendBytes(protowire.AppendTag(e, 5, protowire.BytesType), summary))
}

// scalars are the events of a tag at each step from first to last.
func scalars(tag string, first, last int64) []byte {
	var out []byte
	for step := first; step <= last; step++ {
		out = append(out, scalar(tag, step, float32(step)/2)...)
	}
	return out
}

// put writes files below a new work dir, one a second: each is a path and what it holds.
func put(t testing.TB, files ...any) string {
	t.Helper()
	dir := t.TempDir()
	at := time.Now().Add(-time.Hour)
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i].(string))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		var data []byte
		switch v := files[i+1].(type) {
		case string:
			data = []byte(v)
		case []byte:
			data = v
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Second)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTensorBoardDirectories(t *testing.T) {
	const file, next = "events.out.tfevents.1700000000.host.1.0", "events.out.tfevents.1700000100.host.2.0"
	epochs := runsheet.ProgressSpec{Epochs: true, Total: 10}
	broken := append(scalars("loss", 1, 3), make([]byte, 40)...)
	badData := scalars("loss", 1, 3)
	badData[len(badData)-1]++
	for name, c := range map[string]struct {
		files []any
		spec  runsheet.ProgressSpec
		want  string
	}{
		"Keras": {[]any{"logs/fit/20240131-120000/train/" + file, scalars("epoch_loss", 0, 2),
			"logs/fit/20240131-120000/validation/" + file, append(scalars("epoch_loss", 0, 2), scalars("evaluation_loss_vs_iterations", 0, 300)...)},
			epochs, "tensorboard 3/10 epoch, epoch_loss=1, validation/epoch_loss=1, validation/evaluation_loss_vs_iterations=150"},
		"Keras writes the validation last": {[]any{"train/" + file, scalars("epoch_loss", 0, 2), "validation/" + file, scalars("epoch_loss", 0, 1)},
			runsheet.ProgressSpec{}, "tensorboard 3/? epoch, epoch_loss=1, validation/epoch_loss=0.5"},
		"TensorFlow": {[]any{file, scalars("loss", 100, 100), "eval/" + file, scalars("loss", 90, 90)},
			runsheet.ProgressSpec{}, "tensorboard 100/? step, eval/loss=45, loss=50"},
		"in the work dir": {[]any{file, scalars("loss", 1, 7)}, runsheet.ProgressSpec{}, "tensorboard 7/? step, loss=3.5"},
		"below an output": {[]any{"out/runs/a/" + file, scalars("loss", 1, 7)}, runsheet.ProgressSpec{}, "tensorboard 7/? step, loss=3.5"},
		"elsewhere":       {[]any{"mine/a/" + file, scalars("loss", 1, 7)}, runsheet.ProgressSpec{}, "0/?"},
		"elsewhere, by name": {[]any{"mine/a/" + file, scalars("loss", 1, 7)},
			tensorBoard, "tensorboard 7/? step, loss=3.5"},
		"nothing": {nil, tensorBoard, "tensorboard 0/? step"},
		"the run that changed last": {[]any{"runs/b/" + file, scalars("loss", 1, 7), "runs/a/" + file, scalars("loss", 1, 3)},
			runsheet.ProgressSpec{}, "tensorboard 3/? step, loss=1.5"},
		"resumed in a directory of its own": {[]any{"runs/a/" + file, scalars("loss", 0, 5), "runs/b/" + next, scalars("loss", 4, 8)},
			runsheet.ProgressSpec{}, "tensorboard 9/? step, loss=4"},
		"resumed, and counted from 1": {[]any{"runs/a/" + file, scalars("loss", 1, 5), "runs/b/" + next, scalars("loss", 4, 8)},
			runsheet.ProgressSpec{}, "tensorboard 8/? step, loss=4"},
		"resumed in a second file": {[]any{"runs/a/" + file, scalars("loss", 0, 5), "runs/a/" + next, scalars("loss", 3, 4)},
			runsheet.ProgressSpec{}, "tensorboard 5/? step, loss=2"},
		"the training loss before others": {[]any{file, append(append(scalars("val/loss", 1, 9), scalars("lr", 1, 8)...), scalars("Loss/train", 1, 7)...)},
			runsheet.ProgressSpec{}, "tensorboard 7/? step, Loss/train=3.5, lr=4, val/loss=4.5"},
		"any before what is evaluated": {[]any{file, append(scalars("val/loss", 1, 9), scalars("lr", 1, 8)...)},
			runsheet.ProgressSpec{}, "tensorboard 8/? step, lr=4, val/loss=4.5"},
		"a broken length": {[]any{"runs/a/" + file, broken},
			runsheet.ProgressSpec{}, "error: runs/a/" + file + " is broken (166 bytes): the length of a record does not match its checksum at byte 126. In DIR: repair or remove it"},
		"a broken length, and a later file": {[]any{"runs/a/" + file, broken, "runs/a/" + next, scalars("loss", 2, 6)},
			runsheet.ProgressSpec{}, "tensorboard 6/? step, loss=3"},
		"broken data": {[]any{file, append(badData, scalar("lr", 3, 1)...)}, runsheet.ProgressSpec{}, "tensorboard 2/? step, loss=1, lr=1"},
	} {
		checkPut(t, name, c.spec, c.want, c.files...)
	}
}

// checkPut holds what is told of a work dir with such files.
func checkPut(t *testing.T, name string, spec runsheet.ProgressSpec, want string, files ...any) {
	t.Helper()
	dir := put(t, files...)
	if got := strings.ReplaceAll(told(later(t, dir, spec, nil).Progress, "*"), dir, "DIR"); got != want {
		t.Errorf("%s\ntold  %s\nwant  %s", name, got, want)
	}
}

// TestTensorBoardPace holds that the times of the events are told, not those of the reading.
func TestTensorBoardPace(t *testing.T) {
	p := later(t, put(t, "events.out.tfevents.1700000000.host.1.0", scalars("loss", 1, 40)), runsheet.ProgressSpec{}, nil).Progress
	if p.PerUnit != time.Minute || len(p.Recent) != 16 || !p.Recent[15].Equal(time.Unix(1.7e9+60*40, 0)) {
		t.Errorf("a step in %v, the last at %v", p.PerUnit, p.Recent)
	}
}

func TestTensorBoardSeries(t *testing.T) {
	now := func() time.Time { return time.Now().Add(time.Hour) }
	series, p := tracker.Series(context.Background(), durable.OS(), copied(t, "testdata/real/tensorboard/resumed"), runsheet.ProgressSpec{}, tracker.Options{Now: now})
	points := series["train/loss"]
	if len(points) != 50 || p.Completed != 50 {
		t.Fatalf("%d points, %v", len(points), p.String())
	}
	for i, want := range map[int]runsheet.Point{0: {Step: 1, Value: 1}, 40: {Step: 41, Value: 0.0243902}, 41: {Step: 42, Value: 0.0476190}, 49: {Step: 50, Value: 0.04}} {
		if points[i].Step != want.Step || math.Abs(points[i].Value-want.Value) > 1e-6 {
			t.Errorf("point %d is %v, want %v", i, points[i], want)
		}
	}
}

// sparse appends a record with so many bytes of data to a file, as a hole.
func sparse(t *testing.T, path string, data int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	length := binary.LittleEndian.AppendUint64(nil, uint64(data))
	crc := crc32.Checksum(length, crc32.MakeTable(crc32.Castagnoli))
	if _, err := f.Write(binary.LittleEndian.AppendUint32(length, (crc>>15|crc<<17)+0xa282ead8)); err != nil {
		t.Fatal(err)
	}
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(st.Size() + data + 4); err != nil {
		t.Fatal(err)
	}
}

// TestTensorBoardLargeRecord holds that a record of 200 MiB is passed over without being held, also while it is not
// whole yet.
func TestTensorBoardLargeRecord(t *testing.T) {
	dir := put(t, "events.out.tfevents.1700000000.host.1.0", scalars("loss", 1, 3))
	path := filepath.Join(dir, "events.out.tfevents.1700000000.host.1.0")
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	sparse(t, path, 200<<20)
	if err := appendTo(path, scalars("loss", 4, 5)); err != nil {
		t.Fatal(err)
	}
	look := func(cursors []tracker.Cursor, want string) []tracker.Cursor {
		t.Helper()
		var r tracker.Result
		bound.Do(t, func() { r = later(t, dir, runsheet.ProgressSpec{}, cursors) })
		if got := told(r.Progress); got != want {
			t.Errorf("told %s, want %s", got, want)
		}
		return r.Cursors
	}
	look(nil, "tensorboard 5/? step")
	if err := os.Truncate(path, st.Size()+100<<20); err != nil {
		t.Fatal(err)
	}
	cursors := look(nil, "tensorboard 3/? step")
	if err := os.Truncate(path, st.Size()+12+200<<20+4); err != nil {
		t.Fatal(err)
	}
	if err := appendTo(path, scalars("loss", 4, 6)); err != nil {
		t.Fatal(err)
	}
	look(cursors, "tensorboard 6/? step")
}

// TestTensorBoardMany holds what is kept of a file with more tags than anybody looks at.
func TestTensorBoardMany(t *testing.T) {
	var data []byte
	for i := range 3000 {
		data = append(data, scalar(fmt.Sprintf("layer/%d", i), 7, 1)...)
	}
	r := later(t, put(t, "events.out.tfevents.1700000000.host.1.0", data), runsheet.ProgressSpec{}, nil)
	if got := told(r.Progress); got != "tensorboard 7/? step" || len(r.Progress.Metrics) > 1000 || len(r.Cursors[0].State) > 64<<10 {
		t.Errorf("told %s, with %d metrics and a state of %d bytes", got, len(r.Progress.Metrics), len(r.Cursors[0].State))
	}
}

func FuzzTensorBoard(f *testing.F) {
	for _, pattern := range []string{"testdata/tensorboard/*/events*", "testdata/tensorboard/*/torn*", "testdata/real/tensorboard/*/runs/exp1/events*"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data, len(data)/2)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		fuzzWorkDir(t, "events.out.tfevents.1700000000.host.1.0", data, cut, runsheet.ProgressSpec{Tracker: "tensorboard"})
	})
}

// fuzzWorkDir reads a work dir with one file, and others beside it, once when a part of it is there and once whole: what
// is told is the same as if the whole was there from the start.
func fuzzWorkDir(t *testing.T, name string, data []byte, cut int, spec runsheet.ProgressSpec, others ...any) {
	t.Helper()
	dir := put(t, others...)
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	cut = max(0, min(cut, len(data)))
	if err := os.WriteFile(path, data[:cut], 0o600); err != nil {
		t.Fatal(err)
	}
	var part, whole, anew tracker.Result
	bound.Do(t, func() { part = later(t, dir, spec, nil) })
	if err := appendTo(path, data[cut:]); err != nil {
		t.Fatal(err)
	}
	bound.Do(t, func() { whole = later(t, dir, spec, part.Cursors) })
	bound.Do(t, func() { anew = later(t, dir, spec, nil) })
	for _, r := range []tracker.Result{part, whole, anew} {
		if p := r.Progress; p.Completed < 0 || p.Total < 0 || p.EarlyStoppedAt < 0 {
			t.Fatalf("told %s", told(p, "*"))
		}
	}
	if a, b := told(whole.Progress, "*"), told(anew.Progress, "*"); a != b {
		t.Fatalf("read in two pieces, cut at %d of %d:\ntold  %s\nwant  %s", cut, len(data), a, b)
	}
}
