package tracker

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestCSVTable(t *testing.T) {
	type rows = []map[string]float64
	nan := math.NaN()
	for _, c := range []struct {
		name, text string
		want       rows
	}{
		{"plain", "epoch,loss\r\n0,0.5\r\n1,0.25\r\n", rows{{"epoch": 0, "loss": 0.5}, {"epoch": 1, "loss": 0.25}}},
		{"padded", "       epoch,   train/loss\n           1,       0.5\n", rows{{"epoch": 1, "train/loss": 0.5}}},
		{"missing", "epoch,step,a,b,c\n0,,NA,None,x\n1,2,nan,-inf,\n", rows{{"epoch": 0}, {"epoch": 1, "step": 2, "a": nan, "b": math.Inf(-1)}}},
		{"quoted", "epoch,\"a,\"\"b\"\"\",c\n0,\"[1, 2]\",3\n1,\"4\",5\n2,\"6,7\n", rows{{"epoch": 0, "c": 3}, {"epoch": 1, `a,"b"`: 4, "c": 5}, {"epoch": 2}}},
		{"header again", "epoch,loss\n0,1\nepoch,loss\n1,2\nepoch,acc,loss\n2,3,4\n", rows{{"epoch": 0, "loss": 1}, {"epoch": 1, "loss": 2}, {"epoch": 2, "acc": 3, "loss": 4}}},
		{"other lengths", "epoch,a,b\n0,1\n1,2,3,4\n2\n", rows{{"epoch": 0}, {"epoch": 1}, {"epoch": 2}}},
		{"blank", "\n\nepoch,a\n\n \n0,1\n", rows{{"epoch": 0, "a": 1}}},
		{"comment", "#{\"t_start\": 1, \"env_id\": \"x\"}\nr,l,t\n1.5,10,0.1\n", rows{{"r": 1.5, "l": 10, "t": 0.1}}},
		{"other separators", "epoch;loss\n0;0.5\n", rows{{"epoch": 0, "loss": 0.5}}},
		{"tabs", "iter\tLogloss\n0\t0.5\n", rows{{"iter": 0, "Logloss": 0.5}}},
		{"separator at the end", "epoch,a,\n0,1,\n", rows{{"epoch": 0, "a": 1}}},
		{"byte order mark", "\ufeffepoch,a\n0,1\n", rows{{"epoch": 0, "a": 1}}},
		{"text first", "name,loss\nepoch,1\na,b\nname,x\n", rows{{"loss": 1}}},
		{"no header", "0,1\n1,2\n", nil},
		{"empty header", ",,\n0,1,2\n", nil},
		{"index", ",epoch,a\n0,1,2\n1,,NA\n", rows{{"epoch": 1, "a": 2}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var table csvTable
			var got rows
			for line := range strings.Lines(c.text) {
				if row, ok := table.row([]byte(strings.TrimRight(line, "\r\n"))); ok {
					got = append(got, row)
				}
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateNaNs()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzCSVTable(f *testing.F) {
	f.Add([]byte("epoch,\"a\"\"b\",c\r\n0,1,nan\n"))
	f.Add([]byte("#x\na;b\n1;2\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var table csvTable
		for line := range strings.Lines(string(data)) {
			row, ok := table.row([]byte(strings.TrimRight(line, "\r\n")))
			if ok && (table.Header == nil || len(row) == 0 || len(row) > len(table.Header)) || len(table.Header) > maxMetrics {
				t.Fatalf("%q: %v of %v", line, row, table.Header)
			}
		}
	})
}
