package tracker

import (
	"strings"
	"testing"
)

// TestLineBegins holds which of the ways to read a piece with a cut in it is the line: a piece and the lines before it, all
// of them with "|" at the cuts.
func TestLineBegins(t *testing.T) {
	const (
		table = "epoch,loss\n9,0.5\n10,0.25\n"
		tens  = "step\n90\n100\n"
		logs  = "starting\nstep 90/120 loss 0.5\nstep 100/120 loss 0.25\n"
		rows  = "{\"step\": 9, \"loss\": 0.5}\n{\"step\": 10, \"loss\": 1e-05}\n"
		back  = "loss,epoch\n0.5,9\n0.25,10\n"
		named = "INFO epoch 9\nWARN epoch 10\n"
		dated = "2026-01-02 a\n2026-01-02 b\n"
	)
	for _, c := range []struct{ before, piece, want string }{
		// Appended behind what was torn.
		{table, "1|11,0.125", "11,0.125"},
		{table, "11,0.|11,0.125", "11,0.125"},
		{table, "11,0.125|11,0.125", "11,0.125"},
		{table, "11|9,0.5", "9,0.5"},   // from further back, the same as before
		{table, "11|8,0.75", "8,0.75"}, // from further back
		{table, "1|epoch,loss", "epoch,loss"},
		{tens, "1|110", "110"},
		{logs, "st|step 110/120 loss 0.1", "step 110/120 loss 0.1"},
		{logs, "step 1|step 110/120 loss 0.1", "step 110/120 loss 0.1"},
		{logs, "step|step 110/120 loss 0.1", "step 110/120 loss 0.1"},
		{rows, "{\"step\": 1|{\"step\": 11, \"loss\": 0.1}", "{\"step\": 11, \"loss\": 0.1}"},
		{rows, "{|{\"step\": 11, \"loss\": 0.1}", "{\"step\": 11, \"loss\": 0.1}"},
		{back, "0.1|0.125,11", "0.125,11"},
		{back, "0.125,|0.125,11", "0.125,11"},
		{named, "INF|INFO epoch 11", "INFO epoch 11"},
		{dated, "2026|2026-01-02 c", "2026-01-02 c"},
		{"", "epo|epoch,loss", "epoch,loss"},
		{table, "1|1|11,0.125", "11,0.125"},
		{table, "11,0|11,0.1|11,0.125", "11,0.125"},
		{table, "\x00\x00\x00\x00|11,0.125", "11,0.125"},

		// Written anew, the same up to the cut.
		{table, "1|1,0.125", "11,0.125"},
		{table, "11,0.|125", "11,0.125"},
		{table, "11|,0.125", "11,0.125"},
		{tens, "1|10", "110"},
		{tens, "11|0", "110"},
		{logs, "step 1|10/120 loss 0.1", "step 110/120 loss 0.1"},
		{logs, "ste|p 110/120 loss 0.1", "step 110/120 loss 0.1"},
		{rows, "{\"step\": 1|1, \"loss\": 0.1}", "{\"step\": 11, \"loss\": 0.1}"},
		{rows, "{|\"step\": 11, \"loss\": 0.1}", "{\"step\": 11, \"loss\": 0.1}"},
		{back, "0.1|25,11", "0.125,11"},
		{back, "0.125,1|1", "0.125,11"},
		{named, "IN|FO epoch 11", "INFO epoch 11"},
		{dated, "2026-|01-02 c", "2026-01-02 c"},
		{"", "epo|ch,loss", "epoch,loss"},
		{table, "1|1,0.|125", "11,0.125"},

		// Nobody can tell.
		{"step\n", "1|10", ""},
		{"1\n2\n", "1|3", "3"}, // who writes it anew goes on with 3, and not with 13
		{"a\nb\n", "c|d", ""},
	} {
		var piece []byte
		var cuts []int
		for _, b := range []byte(c.piece) {
			if b == '|' {
				cuts = append(cuts, len(piece))
			} else {
				piece = append(piece, b)
			}
		}
		before := linesBefore(bytesAt(c.before), int64(len(c.before)), nil)
		got := ""
		if at := lineBegins(before, piece, cuts); at >= 0 {
			got = string(piece[at:])
		}
		if got != c.want {
			t.Errorf("after %q, %q is the line %q, want %q", c.before, c.piece, got, c.want)
		}
	}
}

// TestLinesBefore holds which lines of a large file are looked at.
func TestLinesBefore(t *testing.T) {
	text := "head\n"
	for len(text) < 64<<10 {
		text += "a line that is long enough\n"
	}
	text += "cut here\nlast\nun"
	end := int64(len(text))
	got := linesBefore(bytesAt(text), end, []int64{end - 10})
	if n := len(got); n < 100 || n > 200 || string(got[0]) != "head" || string(got[n-1]) != "last" || string(got[n-2]) != "a line that is long enough" {
		t.Errorf("%d lines: %.200q", n, got)
	}
}

func bytesAt(text string) *strings.Reader { return strings.NewReader(text) }
