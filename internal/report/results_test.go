package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"runsheet"
	"runsheet/internal/durable"
)

// results is a sheet whose runs are finished but for the last seed of wine/mlp, with one outdated.
func results() runsheet.Snapshot {
	s := uci()
	for i := range s.Runs[:len(s.Runs)-1] {
		finished(s, i, runsheet.Metrics{"accuracy": 0.9 + float64(i*7%10)/123, "loss": 12.5 / float64(i+1)})
	}
	s.Runs[4].Status = runsheet.Outdated
	return s
}

func layOut(t *testing.T, s runsheet.Snapshot, opt Options) Table {
	t.Helper()
	table, err := Results(s, opt)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

var extensions = map[string]string{"text": "txt", "md": "md", "csv": "csv", "latex": "tex", "json": "json"}

func TestResultsGolden(t *testing.T) {
	several := results()
	several.Sheet.Metrics = append(several.Sheet.Metrics, runsheet.MetricSpec{Name: "loss", Mode: runsheet.Min})
	for name, table := range map[string]Table{
		"results": layOut(t, results(), Options{}),
		"metrics": layOut(t, several, Options{}),
		"long":    layOut(t, several, Options{Rows: []string{"dataset", "model", "seed"}}),
	} {
		for _, format := range Formats() {
			got, err := table.Render(format)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+"."+extensions[format], got)
		}
	}
}

func TestDefaultLayout(t *testing.T) {
	values := func(n int, prefix string) (v []string) {
		for i := range n {
			v = append(v, fmt.Sprint(prefix, i))
		}
		return v
	}
	for _, c := range []struct {
		name                    string
		datasets, models, seeds int
		rename                  map[string]string
		metrics                 int
		opt                     Options
		rows, columns, over     []string
	}{
		{name: "data sets are columns", datasets: 3, models: 2, seeds: 2, rows: []string{"model"}, columns: []string{"dataset"}, over: []string{"seed"}},
		{name: "wherever they stand", datasets: 3, models: 2, seeds: 2, rename: map[string]string{"dataset": "arch", "model": "Task"}, rows: []string{"arch"}, columns: []string{"Task"}, over: []string{"seed"}},
		{name: "the first axis otherwise", datasets: 3, models: 2, seeds: 2, rename: map[string]string{"dataset": "lr"}, rows: []string{"model"}, columns: []string{"lr"}, over: []string{"seed"}},
		{name: "that is not long", datasets: 9, models: 2, seeds: 2, rename: map[string]string{"dataset": "lr"}, rows: []string{"lr"}, columns: []string{"model"}, over: []string{"seed"}},
		{name: "none", datasets: 13, models: 9, seeds: 2, rows: []string{"dataset", "model"}, over: []string{"seed"}},
		{name: "too many columns", datasets: 5, models: 7, metrics: 3, seeds: 2, rows: []string{"dataset", "model"}, over: []string{"seed"}},
		{name: "one axis", datasets: 3, models: 1, seeds: 2, rows: []string{"dataset"}, over: []string{"seed"}},
		{name: "rows given", datasets: 3, models: 2, seeds: 2, opt: Options{Rows: []string{"dataset"}}, rows: []string{"dataset"}, columns: []string{"model"}, over: []string{"seed"}},
		{name: "columns given", datasets: 3, models: 2, seeds: 2, opt: Options{Columns: []string{"model"}}, rows: []string{"dataset"}, columns: []string{"model"}, over: []string{"seed"}},
		{name: "repeat as rows", datasets: 1, models: 2, seeds: 2, opt: Options{Rows: []string{"seed"}}, rows: []string{"seed"}, columns: []string{"model"}},
		{name: "both given", datasets: 3, models: 2, seeds: 2, opt: Options{Rows: []string{"seed"}, Columns: []string{"model"}}, rows: []string{"seed"}, columns: []string{"model"}, over: []string{"dataset"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sheet(values(c.datasets, "d"), values(c.models, "m"), values(c.seeds, ""))
			for i, a := range s.Sheet.Axes {
				if to, ok := c.rename[a]; ok {
					s.Sheet.Axes[i] = to
					for j := range s.Runs {
						s.Runs[j].Run.Params[i].Key = to
					}
				}
			}
			for i := range max(c.metrics-1, 0) {
				s.Sheet.Metrics = append(s.Sheet.Metrics, runsheet.MetricSpec{Name: fmt.Sprint("m", i)})
			}
			got := layOut(t, s, c.opt)
			if !slices.Equal(got.RowAxes, c.rows) || !slices.Equal(got.ColumnAxes, c.columns) || !slices.Equal(got.Over, c.over) {
				t.Errorf("got rows %v, columns %v, over %v", got.RowAxes, got.ColumnAxes, got.Over)
			}
		})
	}
}

func TestResultsErrors(t *testing.T) {
	for _, c := range []struct {
		opt        Options
		want, hint string
	}{
		{Options{Rows: []string{"modle"}}, `no such axis: "modle"`, "dataset, model, seed"},
		{Options{Rows: []string{"model"}, Columns: []string{"model"}}, "named twice", "either"},
		{Options{Metrics: []string{"f1"}}, `no such metric: "f1"`, "accuracy, loss"},
	} {
		_, err := Results(results(), c.opt)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(durable.Hint(err), c.hint) {
			t.Errorf("%+v: got %v (hint: %q), want %s (hint: %s)", c.opt, err, durable.Hint(err), c.want, c.hint)
		}
	}
	if _, err := (Table{}).Render("pdf"); err == nil || !strings.Contains(durable.Hint(err), "latex") {
		t.Errorf("format: got %v", err)
	}
}

// TestOnlyFinishedCount: metrics of runs under way, failed or stopped do not enter.
func TestOnlyFinishedCount(t *testing.T) {
	s := sheet([]string{"wine"}, []string{"mlp"}, []string{"0", "1", "2", "3"})
	finished(s, 0, runsheet.Metrics{"accuracy": 0.5})
	judged(s, 1, attempt(s.Sheet.Runs[1], time.Minute, 7, runsheet.Metrics{"accuracy": 0.9}))
	judged(s, 2, ended(attempt(s.Sheet.Runs[2], time.Minute, 7, runsheet.Metrics{"accuracy": 0.9}), 0, 1))
	finished(s, 3, nil)
	c := layOut(t, s, Options{}).Rows[0].Cells[0]
	if c.Mean != 0.5 || !math.IsNaN(c.Std) || c.N != 1 || c.Total != 4 || c.Best {
		t.Errorf("got %+v", c)
	}
}

func TestBest(t *testing.T) {
	for _, c := range []struct {
		name   string
		mode   runsheet.Mode
		values []float64 // of the models, in order; NaN: nan
		want   []bool
	}{
		{"max", runsheet.Max, []float64{0.1, 0.9, 0.5}, []bool{false, true, false}},
		{"min", runsheet.Min, []float64{0.1, 0.9, 0.5}, []bool{true, false, false}},
		{"no mode", "", []float64{0.1, 0.9, 0.5}, []bool{false, false, false}},
		{"tie", runsheet.Max, []float64{0.9, 0.9, 0.5}, []bool{true, true, false}},
		{"looks like a tie", runsheet.Max, []float64{0.90001, 0.90002, 0.5}, []bool{true, true, false}},
		{"nan is never best", runsheet.Max, []float64{math.NaN(), 0.2, 0.1}, []bool{false, true, false}},
		{"nor is infinity", runsheet.Max, []float64{math.Inf(1), 0.2, 0.1}, []bool{false, true, false}},
		{"all nan", runsheet.Min, []float64{math.NaN(), math.NaN(), math.NaN()}, []bool{false, false, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sheet([]string{"wine"}, []string{"a", "b", "c"}, []string{"0"})
			s.Sheet.Metrics[0].Mode = c.mode
			for i, v := range c.values {
				finished(s, i, runsheet.Metrics{"accuracy": v})
			}
			table := layOut(t, s, Options{})
			for i, r := range table.Rows {
				if r.Cells[0].Best != c.want[i] {
					t.Errorf("row %d: got best %v", i, r.Cells[0].Best)
				}
			}
			if nan := math.IsNaN(c.values[0]); nan != strings.Contains(table.Text(), "nan") {
				t.Errorf("nan is shown: %v in\n%s", !nan, table.Text())
			}
			for _, f := range Formats() { // whatever the values are, every format can say them
				if _, err := table.Render(f); err != nil {
					t.Errorf("%s: %v", f, err)
				}
			}
		})
	}
}

// TestRunsWithoutParameters: commands have a row each, and metrics as columns.
func TestRunsWithoutParameters(t *testing.T) {
	s := sheet([]string{"a"}, []string{"b"}, []string{"0", "1"})
	s.Sheet.Axes, s.Sheet.Repeat, s.Sheet.Metrics = nil, "", nil
	for i := range s.Sheet.Runs {
		s.Sheet.Runs[i].Params, s.Sheet.Runs[i].Name = nil, fmt.Sprint("command-", i)
		finished(s, i, runsheet.Metrics{"loss": float64(i), "acc": 1})
	}
	want := "uci: results\n\nrun        acc     loss\ncommand-0  1.0000  0.0000\ncommand-1  1.0000  1.0000\n"
	if got := layOut(t, s, Options{}).Text(); got != want {
		t.Errorf("got\n%s", got)
	}
}

// TestSameParameters: runs that differ in more than their parameters are not averaged unasked.
func TestSameParameters(t *testing.T) {
	s := sheet([]string{"a"}, []string{"b", "c"}, []string{"0", "1"})
	s.Sheet.Axes, s.Sheet.Repeat = []string{"model"}, ""
	for i := range s.Sheet.Runs {
		s.Sheet.Runs[i].Params, s.Sheet.Runs[i].Name = s.Sheet.Runs[i].Params[1:2], fmt.Sprint("run-", i)
		finished(s, i, runsheet.Metrics{"accuracy": float64(i)})
	}
	table := layOut(t, s, Options{})
	if !slices.Equal(table.RowAxes, []string{"model", "run"}) || len(table.Rows) != 4 {
		t.Errorf("got\n%s", table.Text())
	}
}

func TestNothingToShow(t *testing.T) {
	empty := runsheet.Snapshot{Sheet: &runsheet.Sheet{Name: "none"}, AsOf: now}
	bare := uci()
	bare.Sheet.Metrics = nil
	for name, s := range map[string]runsheet.Snapshot{"no runs": empty, "no finished run has metrics": bare} {
		table := layOut(t, s, Options{})
		for _, f := range []string{"text", "md", "latex"} {
			if got, err := table.Render(f); err != nil || !strings.Contains(got, name) {
				t.Errorf("%s: got %q, %v", f, got, err)
			}
		}
		data, err := table.JSON()
		if err != nil || !strings.Contains(data, `"cells": []`) || strings.Contains(data, "null") {
			t.Errorf("got %s, %v", data, err)
		}
	}
	text := layOut(t, uci(), Options{}).Text()
	if strings.Count(text, "– (0/3)") != 4 {
		t.Errorf("nothing is finished: got\n%s", text)
	}
}

// TestAwkwardNames: no name breaks a format, or reaches the terminal as an escape.
func TestAwkwardNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := func(what string) []string {
			special := rapid.SampledFrom([]rune("\x1b[]{}\\&%$#_^~|*`\"'<>,;\n\r\t\x00\u009b\u202e\u061c\ufeff日é-–="))
			return []string{"x" + rapid.StringOfN(special, 0, 30, -1).Draw(t, what), rapid.String().Draw(t, what)}
		}
		s := sheet(name("dataset"), name("model"), []string{"0"})
		for i := range s.Runs {
			finished(s, i, runsheet.Metrics{"accuracy": rapid.Float64().Draw(t, "value")})
		}
		table, err := Results(s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []string{"text", "md", "csv", "latex"} {
			got, err := table.Render(f)
			if err != nil {
				t.Fatal(err)
			}
			noControls(t, f, got)
			for _, line := range lines(got) {
				plain := strings.NewReplacer(`\\ `, "", `\|`, "", `\&`, "").Replace(line)
				cells := len(table.RowAxes) + len(table.Columns)
				if f == "md" && strings.HasPrefix(line, "| ") && strings.Count(plain, "|") != cells+1 {
					t.Errorf("md: %q", line)
				}
				if f == "latex" && strings.HasSuffix(line, `\\`) && strings.Count(plain, "&") != cells-1 {
					t.Errorf("latex: %q", line)
				}
			}
		}
		text, _ := table.CSV()
		if rows, err := csv.NewReader(strings.NewReader(text)).ReadAll(); err != nil || len(rows) != 1+len(table.Rows)*len(table.Columns) {
			t.Errorf("csv: %v, %d rows", err, len(rows))
		}
		data, err := table.JSON()
		if err != nil || !json.Valid([]byte(data)) {
			t.Errorf("json: %v\n%s", err, data)
		}
		noControls(t, "json", data)
	})
}

// noControls holds that nothing in a text commands a terminal, or turns the direction of text.
func noControls(t interface{ Errorf(string, ...any) }, what, text string) {
	if i := strings.IndexFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Bidi_Control, r) || r == '\uFEFF'
	}); i >= 0 {
		t.Errorf("%s: %q", what, text[i:])
	}
}
