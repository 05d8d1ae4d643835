package sheet

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"runsheet"
)

func TestInline(t *testing.T) {
	got, err := Inline([]string{"python t.py --lr {lr} --note 'a: #b'", "lr=0.1,1e-3", "seed=08..10", "note=it's,a b,"}, 2)
	want := `# Written by runsheet for a command line.
version: 1
command: 'python t.py --lr {lr} --note ''a: #b'''
matrix:
  lr: [0.1, 1e-3]
  seed: [08..10]
  note: ['it''s', 'a b', '']
policy: {jobs: 2}
`
	if err != nil || string(got) != want {
		t.Fatalf("%v, got\n%s\nwant\n%s", err, got, want)
	}
	s := load(t, write(t, string(got)))
	if len(s.Runs) != 18 || s.Policy.Jobs != 2 || s.Runs[17].Name != "lr=1e-3,seed=10,note=" {
		t.Errorf("%d runs, the last is %s", len(s.Runs), s.Runs[17].Name)
	}
}

func TestInlineErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "missing command: there is nothing to run"},
		{[]string{" "}, "missing command"},
		{[]string{"a", "b"}, `wrong argument: "b" has no =`},
		{[]string{"a", "b=1", "b=2"}, `repeated parameter: "b"`},
		{[]string{"a", "b=\xff"}, `wrong argument: "b=\xff" (number 2)`},
	} {
		if _, err := Inline(c.args, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.args, err, c.want)
		}
	}
	data, err := Inline([]string{"a", "b-c=1"}, 0) // a wrong name is an error of the sheet
	if err == nil {
		_, err = parse(data, "s.yaml", "/x/s.yaml", realDisk{})
	}
	if err == nil || !strings.Contains(err.Error(), `write "b_c"`) {
		t.Errorf("%v", err)
	}
}

// What was typed is what a run gets, letter for letter, and the same arguments make the same file.
func TestInlineKeepsText(t *testing.T) {
	odd := rapid.SampledFrom([]string{"", "1e-3", "010", "on", "1_000", "null", "~", "- a", "a: b", "#", "'", `"`, "{a}", "[", "&a", "*a", "!t", "|", ">", "%",
		"@", "`", "\t", "\n", "\r\n", "\u0085", "\u2028", "\ufeff", "\x7f", "😀", "é", " ", "..", "---", "?", "<<", "\\", "{{a}}", "\x01"})
	value := rapid.OneOf(odd, rapid.Map(rapid.SliceOfN(odd, 0, 3), func(s []string) string { return strings.Join(s, "") }), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfNDistinct(rapid.Map(value, func(s string) string {
			return strings.NewReplacer(",", ";", "\x00", "").Replace(s)
		}).Filter(func(s string) bool { return !almostForm.MatchString(s) }), 1, 5, rapid.ID).Filter(plainList).Draw(t, "values")
		command := "echo {v} " + strings.NewReplacer("{", "(", "'", "_", `"`, "_", "\x00", "", "`", "").Replace(value.Draw(t, "command"))
		args := []string{command, "v=" + strings.Join(values, ",")}
		data, err := Inline(args, 1)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := Inline(args, 1); !bytes.Equal(data, again) {
			t.Fatal("not the same bytes")
		}
		var d document
		d.file, d.lines, d.files = "s.yaml", strings.Split(string(data), "\n"), realDisk{}
		if !d.readable() {
			t.Fatalf("%v\n%s", d.err(), data)
		}
		root := d.tree(data)
		if root == nil {
			t.Fatalf("%v\n%s", d.err(), data)
		}
		d.read(root)
		if d.command.text != command {
			t.Fatalf("the command became %q\n%s", d.command.text, data)
		}
		var got []string
		for _, a := range d.axes {
			got = append(got, a.values...)
		}
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", values) {
			t.Fatalf("got %q, want %q\n%s", got, values, data)
		}
	})
}

// Names are unique and work dirs are apart whatever the values are; the order is that of the sheet.
func TestNamesStayApart(t *testing.T) {
	value := rapid.OneOf(rapid.SampledFrom([]string{"", ".", "..", "a", "a/b", "a,b=c", "%2C", ".runsheet", "-x"}), rapid.StringN(0, 12, 40))
	values := rapid.SliceOfNDistinct(rapid.Map(value, func(s string) string {
		return strings.NewReplacer(",", ";", "\x00", "").Replace(s)
	}).Filter(func(s string) bool { return !almostForm.MatchString(s) }), 1, 4, rapid.ID).Filter(plainList)
	rapid.Check(t, func(t *rapid.T) {
		a, b := values.Draw(t, "a"), values.Draw(t, "b")
		data, err := Inline([]string{"echo {a} {b} {work_dir}", "a=" + strings.Join(a, ","), "b=" + strings.Join(b, ",")}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "own") {
			data = append(data, "work_dir: '{a}/{b}'\n"...)
		}
		s, err := parse(data, "s.yaml", "/x/s.yaml", realDisk{})
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if len(s.Runs) != len(a)*len(b) {
			t.Fatalf("%d runs", len(s.Runs))
		}
		dirs := make(map[string]runsheet.Run)
		for i, r := range s.Runs {
			if r.Params[0].Value != a[i/len(b)] || r.Params[1].Value != b[i%len(b)] {
				t.Fatalf("run %d is %v", i, r.Params)
			}
			if other, twice := dirs[r.WorkDir]; twice || !strings.HasPrefix(r.WorkDir, "/x/") {
				t.Fatalf("%s is also of %v", r.WorkDir, other)
			}
			dirs[r.WorkDir] = r
		}
	})
}

// plainList says whether values are none that are told with what was meant: brackets around what a comma separates.
func plainList(values []string) bool {
	_, msg, _ := listed("v", strings.Join(values, ","))
	return msg == ""
}
