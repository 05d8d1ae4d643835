package shell

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"{a}", "<a>"},
		{"x{a}y{config.stem}", "x<a>y<config.stem>"},
		{"${a} {a,b} {1..3} {} { a } {a-b} {.a} {a.} {1a}", "${a} {a,b} {1..3} {} { a } {a-b} {.a} {a.} {1a}"},
		{`awk '{print $1}' '{"a": {"b": 1}}'`, `awk '{print $1}' '{"a": {"b": 1}}'`},
		{"{{a}}", "{a}"},
		{"{{a}", "{a}"},
		{"{{{a}}}", "{<a>}"},
		{`{{"k": {{"l": {a}}}}}`, `{"k": {"l": <a>}}`},
		{"{{{{.Name}}}}", "{{.Name}}"},
		{`{{a} {"b":{"c":1}}`, `{a} {"b":{"c":1}}`},
		{"${{a}}", "${a}"},
		{"{a", "{a"},
		{"}}", "}}"},
		{"", ""},
	} {
		tmpl, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, p := range tmpl.pieces {
			if p.name != "" {
				got.WriteString("<" + p.name + ">")
				if !strings.HasPrefix(c.text[p.at:], "{"+p.name+"}") {
					t.Errorf("%q: offset %d of %s is wrong", c.text, p.at, p.name)
				}
			}
			got.WriteString(p.text)
			if !strings.HasPrefix(c.text[p.at:], p.text) {
				t.Errorf("%q: offset %d of %q is wrong", c.text, p.at, p.text)
			}
		}
		if got.String() != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got.String(), c.want)
		}
	}
	_, err := Parse("ab\x00")
	if e := new(Error); !errors.As(err, &e) || e.Offset != 2 {
		t.Errorf("NUL: %v", err)
	}
}

func TestPlaceholders(t *testing.T) {
	tmpl, _ := Parse("{a} {{b}} {c.d}{a}")
	want := []Placeholder{{"a", 0}, {"c.d", 10}, {"a", 15}}
	got := tmpl.Placeholders()
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%d: got %v, want %v", i, got[i], want[i])
		}
	}
}

func TestPath(t *testing.T) {
	values := map[string]Value{
		"a": {Text: "x"}, "slash": {Text: "../../etc"}, "empty": {}, "dot": {Text: "."}, "dots": {Text: ".."},
		"hidden": {Text: ".runsheet"}, "odd": {Text: "a b/c=d,e%f~é中\n\xff"}, "tree": {Kind: Tree, Text: "a/../b c"},
		"here": {Kind: Tree, Text: "."}, "name": {Kind: Escaped, Text: "k=v,l=%20"}, "abs": {Kind: Tree, Text: "/x//y"},
	}
	for _, c := range []struct{ text, want string }{
		{"runs/{a}/seed_{a}", "runs/x/seed_x"},
		{"/scratch/{slash}", "/scratch/%2E.%2F..%2Fetc"},
		{"r/{empty}/x", "r/%00/x"},
		{"r/{empty}", "r/%00"},
		{"r/s{empty}", "r/s"},
		{"r/{dot}", "r/%2E"},
		{"r/{dots}", "r/%2E."},
		{"r/{empty}{dot}", "r/%2E"},
		{"r/.{dot}/x", "r/%2E./x"},
		{"r/{hidden}", "r/%2Erunsheet"},
		{"r/x{hidden}", "r/x.runsheet"},
		{"r/{odd}", "r/a%20b%2Fc%3Dd%2Ce%25f%7Eé中%0A%FF"},
		{"logs/{tree}/x", "logs/a/%2E./b%20c/x"},
		{"logs/{here}/x", "logs//x"},
		{"logs/{abs}", "logs/x/y"},
		{"runs/{name}", "runs/k=v,l=%20"},
		{"../x/{a}", "../x/x"},
	} {
		tmpl, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tmpl.Path(values)
		if err != nil || got != c.want {
			t.Errorf("%q: got %q, %v, want %q", c.text, got, err, c.want)
		}
	}
	for text, offset := range map[string]int{"a/{nobody}": 2, "{raw}": 0} {
		tmpl, _ := Parse(text)
		_, err := tmpl.Path(map[string]Value{"raw": {Kind: Raw}})
		if e := new(Error); !errors.As(err, &e) || e.Offset != offset {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A value stays one component below the fixed part, and different values stay apart.
func TestPathProperties(t *testing.T) {
	value := rapid.OneOf(rapid.SampledFrom([]string{"", ".", "..", "/", "a/b", "%2E", "%00", "./x", ".x"}), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		a, b := value.Draw(t, "a"), value.Draw(t, "b")
		tmpl, err := Parse(rapid.SampledFrom([]string{"/f/{v}", "f/{v}/g", "f/{v}_", "f/_{v}"}).Draw(t, "template"))
		if err != nil {
			t.Fatal(err)
		}
		fill := func(v string) string {
			s, err := tmpl.Path(map[string]Value{"v": {Text: v}})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		x, y := fill(a), fill(b)
		if (x == y) != (a == b) {
			t.Fatalf("%q and %q become %q and %q", a, b, x, y)
		}
		parts := strings.Split(strings.TrimPrefix(x, "/"), "/")
		if parts[0] != "f" || len(parts) > 3 || len(parts) == 3 && parts[2] != "g" {
			t.Fatalf("%q leaves its place: %q", a, x)
		}
		if p := parts[1]; p == "" || p == "." || p == ".." || !utf8.ValidString(p) || strings.ContainsAny(p, " \x00\n,=") {
			t.Fatalf("%q: awkward component %q", a, p)
		}
	})
}
