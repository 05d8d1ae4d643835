package wandblog_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"runsheet/internal/prove/hostile/bound"
	"runsheet/internal/tracker/wandblog"
)

// read returns what the records of a whole file say, one text each, as a reader that gets it block by block.
func read(data []byte) (out []string, l wandblog.Log) {
	take := func(record []byte) {
		r, err := wandblog.Decode(record)
		if err != nil {
			out = append(out, err.Error())
			return
		}
		text := fmt.Sprintf("%d step %d exit %d %v", r.Kind, r.Step, r.ExitCode, r.NotComplete)
		for _, i := range r.Items {
			v, ok := i.Number()
			text += fmt.Sprintf(" %s=%v,%v", i.Key, v, ok)
		}
		out = append(out, text)
	}
	for {
		n, block, _ := wandblog.Split(data, false)
		if n == 0 {
			break
		}
		l.Block(block, take)
		data = data[n:]
	}
	l.Block(data, take)
	return out, l
}

func TestFixture(t *testing.T) {
	data, err := os.ReadFile("testdata/run-abc123.wandb")
	if err != nil {
		t.Fatal(err)
	}
	want := "[1 step 10 exit 0 false loss=0.5,true _step=10,true 4 step 0 exit 0 false]"
	if got, _ := read(data); fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
	for n := range data {
		if got, _ := read(data[:n]); len(got) > 1 {
			t.Errorf("%d of %d bytes: %v", n, len(data), got)
		}
	}
}

func sub(num protowire.Number, parts ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), bytes.Join(parts, nil))
}

func varint(num protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), n)
}

// write writes records as wandb does.
func write(records ...[]byte) []byte {
	out := []byte(":W&B\xe1\xbe\x00")
	piece := func(kind byte, data []byte) {
		typed := append([]byte{kind}, data...)
		out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(typed))
		out = binary.LittleEndian.AppendUint16(out, uint16(len(data)))
		out = append(out, typed...)
	}
	for _, r := range records {
		for begun := false; ; begun = true {
			left := 32768 - len(out)%32768
			if left < 7 {
				out = append(out, make([]byte, left)...)
				left = 32768
			}
			n := min(len(r), left-7)
			kinds := map[[2]bool]byte{{false, true}: 1, {false, false}: 2, {true, false}: 3, {true, true}: 4}
			kind := kinds[[2]bool{begun, n == len(r)}]
			piece(kind, r[:n])
			if r = r[n:]; kind == 1 || kind == 4 {
				break
			}
		}
	}
	return out
}

// row is a record of history whose value is so many bytes long.
func row(step uint64, size int) []byte {
	item := sub(1, sub(1, []byte("k")), sub(16, bytes.Repeat([]byte("1"), size)))
	return append(varint(1, step), sub(2, item, sub(2, varint(1, step)))...)
}

// Records of every length around the edges of blocks are read, and those that are too long are left out.
func TestBlocks(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3} {
		r := rand.New(rand.NewPCG(seed, 0))
		var records [][]byte
		var steps []uint64
		for step := range uint64(200) {
			size := r.IntN(100)
			switch r.IntN(8) {
			case 0:
				size = r.IntN(100_000)
			case 1:
				size = 32768 - r.IntN(64)
			}
			records, steps = append(records, row(step, size)), append(steps, step)
		}
		got, l := read(write(records...))
		if len(got) != len(steps) || l.Open || l.Alien {
			t.Fatalf("seed %d: %d records of %d", seed, len(got), len(steps))
		}
		for i, text := range got {
			if want := fmt.Sprintf("1 step %d ", i); !bytes.HasPrefix([]byte(text), []byte(want)) {
				t.Fatalf("record %d: %.50s", i, text)
			}
		}
	}
	got, _ := read(write(row(1, 10), row(2, 200_000), append(varint(1, 3), sub(7, bytes.Repeat([]byte("x"), 70_000))...), row(4, 10)))
	if len(got) != 2 {
		t.Errorf("%d records, want those that are not too long or not wanted", len(got))
	}
}

// A damaged piece costs the rest of its block, and the record that goes on from there.
func TestDamage(t *testing.T) {
	data := write(row(1, 20_000), row(2, 20_000), row(3, 20_000), row(4, 20_000), row(5, 10))
	data[21_000]++ // in the first piece of the second record, up to the end of the block
	got, _ := read(data)
	if len(got) != 4 || got[1][:8] != "1 step 3" {
		t.Errorf("%.20q", got)
	}
	if got, l := read([]byte(":W&B\xe1\xbe\x01")); len(got) != 0 || !l.Alien {
		t.Errorf("another version: %v, %+v", got, l)
	}
}

func TestDecode(t *testing.T) {
	item := func(json string, keys ...string) []byte {
		if len(keys) == 1 {
			return sub(1, sub(1, []byte(keys[0])), sub(16, []byte(json)))
		}
		var nested []byte
		for _, k := range keys {
			nested = append(nested, sub(2, []byte(k))...)
		}
		return sub(1, nested, sub(16, []byte(json)))
	}
	for want, record := range map[string][]byte{
		"2 step 0 exit 0 false a.b=0.5,true":                  sub(3, item("0.5", "a", "b")),
		"3 step 0 exit 0 false epochs=10,true":                sub(17, sub(1, []byte("id")), sub(4, item("10", "epochs"))),
		"3 step 0 exit 0 false lr=1e-05,true":                 sub(5, item(" 1e-05\n", "lr")),
		"1 step 3 exit 0 false a=NaN,true b=-Inf,true":        sub(2, item("NaN", "a"), item(`"-Infinity"`, "b"), sub(2, varint(1, 3))),
		"1 step 0 exit 0 false a=0,false b=0,false c=0,false": sub(2, item(`"12"`, "a"), item(`{"_type": "histogram"}`, "b"), item("true", "c")),
		"4 step 0 exit 255 true":                              sub(18, varint(1, 255), varint(2, 9), varint(3, 1)),
		"0 step 0 exit 0 false":                               sub(7, []byte("stats")),
		"malformed protobuf message":                          {0x12, 5, 1},
	} {
		if got, _ := read(write(record)); len(got) != 1 || got[0] != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func FuzzLog(f *testing.F) {
	files, err := filepath.Glob("testdata/*.wandb")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(write(row(1, 20_000), row(2, 20_000)))
	f.Add(sub(2, sub(1, sub(2, []byte("a")), sub(16, []byte("NaN")))))
	f.Fuzz(func(t *testing.T, data []byte) {
		bound.Do(t, func() {
			read(data)
			// The fuzzer does not find checksums: what it makes is read as a record, and framed well, too.
			r, _ := wandblog.Decode(data)
			for _, i := range r.Items {
				i.Number()
			}
			if got, _ := read(write(data)); len(data) <= 32_000 && len(got) != 1 {
				t.Fatalf("%d records of one", len(got))
			}
		})
	})
}
