package shell

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func fill(t interface{ Fatal(...any) }, text string, values map[string]Value) (string, error) {
	tmpl, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl.Command(values)
}

func TestCommand(t *testing.T) {
	values := map[string]Value{
		"lr": {Text: "1e-3"}, "s": {Text: "a b"}, "q": {Text: "it's"}, "empty": {}, "n": {Text: "2"}, "list": {Text: "1,2"},
		"if": {Text: "if"}, "set": {Text: "A=b"}, "resume": {Kind: Raw, Text: `--resume "x y"`}, "none": {Kind: Raw},
		"dash": {Kind: Raw, Text: "--resume"}, "dir": {Kind: Tree, Text: "a/b"},
	}
	for _, c := range []struct{ text, want string }{
		{"t --lr {lr} {s} {empty}", "t --lr 1e-3 'a b' ''"},
		{"--x={s}/y", "--x='a b'/y"},
		{"{q}", `'it'\''s'`},
		{"{if}; {set}", "'if'; 'A=b'"},
		{`"{lr}" '{lr}' $'{lr}'`, `"1e-3" '1e-3' $'1e-3'`},
		{`echo "$(t {s})" {s}`, `echo "$(t 'a b')" 'a b'`},
		{"{n}>f {n} >f {n}1>f", "'2'>f 2 >f '2'1>f"},
		{"$HOME{n} ${HOME}{n}", "$HOME'2' ${HOME}2"},
		{"~{lr}", "~'1e-3'"},
		{"{1..{n}} {a,{list}} {list}", "{1..2} {a,'1,2'} 1,2"},
		{"{n}{lr}", "'2'1e-3"},
		{"t {resume} {s}", `t --resume "x y" 'a b'`},
		{"t {none}", "t "},
		{`bash -c "t {dash}"`, `bash -c "t --resume"`},
		{`\\{s}`, `\\'a b'`},
		{`'\'{s}`, `'\''a b'`},
		{`"\""{s}`, `"\""'a b'`},
		{"a # it's\n{s}", "a # it's\n'a b'"},
		{"a#{s}", "a#'a b'"},
		{"x <<< {s}", "x <<< 'a b'"},
		{"$(( {n} * 2 )) {s}", "$(( 2 * 2 )) 'a b'"},
		{"case {s} in a) t {s};; esac", "case 'a b' in a) t 'a b';; esac"},
		{"cat <<EOF\n{lr}\nEOF", "cat <<EOF\n1e-3\nEOF"},
		{"for ((i=0;i<{n};i++)); do t {s}; done", "for ((i=0;i<2;i++)); do t 'a b'; done"},
		{"a \\\n {s}", "a \\\n 'a b'"},
		{"[ -f {s} ] && [[ -f {s} ]]", "[ -f 'a b' ] && [[ -f 'a b' ]]"},
		{"{dir}", "a/b"},
	} {
		got, err := fill(t, c.text, values)
		if err != nil || got != c.want {
			t.Errorf("%q: got %q, %v, want %q", c.text, got, err, c.want)
		}
	}
}

// What is not certain is refused, at the right place.
func TestCommandRefuses(t *testing.T) {
	values := map[string]Value{
		"s": {Text: "a b"}, "n": {Text: "2"}, "nul": {Text: "\x00"}, "open": {Kind: Raw, Text: "'"}, "hash": {Kind: Raw, Text: "#"},
		"end": {Kind: Raw, Text: `\`}, "raw": {Kind: Raw, Text: `"x"`}, "here": {Kind: Raw, Text: "<<"},
	}
	for _, c := range []struct {
		text string
		at   int
		why  string
	}{
		{`t "{s}"`, 3, "inside quotes"},
		{`t '{s}'`, 3, "inside quotes"},
		{`t $'{s}'`, 4, "inside quotes"},
		{"t `x {s}`", 5, "inside backquotes"},
		{"${x:-{s}}", 5, "inside ${...}"},
		{"$(({s}))", 3, "arithmetic"},
		{"((x = {s}))", 6, "arithmetic"},
		{"$[{s}]", 2, "$["},
		{"a[{s}]=1", 2, "arithmetic"},
		{"a=([{s}]=1)", 4, "in a list"},
		{"x # {s}", 4, "comment"},
		{"(x)#{s}", 4, "comment"},
		{"x <<E\n{s}\nE", 6, "here-document"},
		{"x <<{s}", 4, "here-document"},
		{"$(case x in a) echo;; esac) {s}", 28, "case"},
		{`${x:-"}"} {s}`, 10, "quotes within"},
		{`$'\'' {s}`, 6, "$'...'"},
		{"\"$\\\n(echo \"{s}\")\"", 11, "continued"},
		{`"$(echo foo[bar) ] {s}"`, 19, "brackets"},
		{"((a # ) {s}\n b))", 8, "brackets"},
		{`\{n}`, 1, "backslash"},
		{`"$x{n}"`, 3, "shell variable"},
		{"{nul}", 0, "NUL"},
		{"t {open}", 2, "not whole"},
		{"t {hash} x", 2, "not whole"},
		{"t {end} x", 2, "not whole"},
		{"t {here} x", 2, "not whole"},
		{`"{raw}"`, 1, "inside quotes"},
		{"{nobody}", 0, "nothing is called"},
		{"echo it's", 7, "never closed"},
		{`echo "x`, 5, "never closed"},
	} {
		got, err := fill(t, c.text, values)
		e := new(Error)
		if !errors.As(err, &e) {
			t.Errorf("%q: got %q, want an error", c.text, got)
		} else if e.Offset != c.at || !strings.Contains(e.Msg, c.why) {
			t.Errorf("%q: got %d: %s, want %d: ...%s...", c.text, e.Offset, e.Msg, c.at, c.why)
		}
	}
}

// contexts are templates whose arguments are {a} and {b} in turn, whatever the values are.
var contexts = []string{
	`{P} {a} {b}`, `{P} {a}; {P} {b}`, `{P} {a}&&{P} {b}`, `{P} "$(printf %s {a}; printf x)" {b}`, `({P} {a}); {P} {b}`,
	"{P} {a} # it's\n{P} {b}", "{P} \\\n {a} {b}", "if {P} {a}; then {P} {b}; fi", "{P} ''{a}\"\" {b}\\\n",
	`x={a}; {P} "$x" {b}`, `case {a} in {b}) {P} {a} {b};; *) {P} {a} {b};; esac`, `set -- {a} {b}; {P} "$@"`,
}

// Any text without NUL arrives as exactly one argument with exactly that text, alone and joined to its neighbours.
func TestArgumentsArrive(t *testing.T) {
	nasty := rapid.SampledFrom([]string{"", "'", `"`, `\`, "$(echo pwned)", "`id`", "a\nb", "\n", "${HOME}", "~", "*", "!", "-n", "if", "A=b",
		"{a}", "{{", "#", "\xff\xfe", "é", "1,2", "2", "\t", ";", "$'x'", "(", ")"})
	value := rapid.OneOf(nasty, rapid.Map(rapid.SliceOfN(nasty, 0, 4), func(s []string) string { return strings.Join(s, "") }),
		rapid.Map(rapid.SliceOf(rapid.ByteRange(1, 255)), func(b []byte) string { return string(b) }))
	const print = `printf '%s\0'`
	for _, sh := range []string{"bash", "sh"} {
		t.Run(sh, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				a, b := value.Draw(t, "a"), value.Draw(t, "b")
				text := rapid.SampledFrom(contexts).Draw(t, "template")
				values := map[string]Value{"a": {Text: a}, "b": {Text: b}, "P": {Kind: Raw, Text: print}}
				first := a
				if strings.Contains(text, "printf x") { // command substitution cuts newlines at its end
					first += "x"
				}
				arrives(t, sh, text, values, first, b)
				arrives(t, sh, `{P} x{a}y{b}'z' "q"{b}{a}`, values, "x"+a+"y"+b+"z", "q"+b+a)
			})
		})
	}
}

func arrives(t *rapid.T, sh, text string, values map[string]Value, want ...string) {
	command, err := fill(t, text, values)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(sh, "-c", command)
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %q", command, err, out)
	}
	if got := string(out); got != strings.Join(want, "\x00")+"\x00" {
		t.Fatalf("%q prints %q, want %q", command, got, want)
	}
}

// frames are what a placeholder can stand in, most of them well-formed, some as only a machine would write them.
var frames = []string{
	`"%"`, `'%'`, `$'%'`, `$(%)`, `"$(%)"`, "`%`", `${x:-%}`, `"${x:-%}"`, `"${x:-'%'}"`, `$((%))`, `((%))`, `(%)`, `((%) )`, `a[%]=1`, `x=(%)`,
	`x=([%]=1)`, "# %\n", " # ' %\n", "cat <<E\n%\nE\n", "cat <<'E'\n%\nE\n", "cat <<-E\n% \nE\n", `case x in x) %;; esac`, `case % in x) y;; esac`,
	`$(case x in x) %;; esac)`, `$[%]`, `[[ % ]]`, `[ % ]`, `{ %; }`, `f() { %; }`, `echo %`, `echo "it's" %`, `echo \" % \"`, `%; echo`, "echo \\\n%",
	`for i in %; do :; done`, `for ((i=0;i<%;i++)); do break; done`, `x=% :`, `~%`, `$x%`, `%>&3`, `\%`, `"\%"`, `\\%`, `$'\'%'`, `cat <<< %`, `x#%`, `(:)#%`,
	"$\\\n(%)", "\"$\\\n(echo \"%\")\"", `"$(echo foo[bar) ] %"`, `%%`, `% {v}`, `{v} %`, `'%`, `"%`, `%'`, `%"`, `%)`, `(%`, "%`", `{%}`, `%]`, `%}`,
}

// Whatever stands around it, a hostile value never runs: the command is refused, or the value is no more than text.
func TestNothingIsInjected(t *testing.T) {
	hostile := rapid.SampledFrom([]string{"$(echo PW''NED >&3)", "`echo PW''NED >&3`", "\necho PW''NED >&3\n", "';echo PW''NED >&3;'",
		"\";echo PW''NED >&3;\"", "x[$(echo PW''NED >&3)]", ");echo PW''NED >&3;(", "}\necho PW''NED >&3 #", "\nE\necho PW''NED >&3\n",
		"]\necho PW''NED >&3\n", "'$(echo PW''NED >&3)'", "\"$(echo PW''NED >&3)\"", "' \"\necho PW''NED >&3\n"})
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		text := "{v}"
		for _, frame := range rapid.SliceOfN(rapid.SampledFrom(frames), 1, 4).Draw(t, "frames") {
			text = strings.Replace(frame, "%", text, 1)
		}
		command, err := fill(t, text, map[string]Value{"v": {Text: hostile.Draw(t, "v")}})
		if err != nil {
			return
		}
		for _, sh := range []string{"bash", "sh"} {
			var out strings.Builder
			cmd := exec.Command(sh, "-c", "")
			cmd.Dir = dir
			cmd.Env = []string{"PATH=/nonexistent"}
			cmd.Stdout = &out
			cmd.Args[2] = "exec 3>&1 >/dev/null 2>&1 </dev/null\neval " + inQuotes(command)
			_ = cmd.Run() // many are nonsense
			if strings.Contains(out.String(), "PWNED") {
				t.Fatalf("%s runs what a value says: %q", sh, command)
			}
		}
	})
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"": "''", "a": "a", "a b": "'a b'", "time": "'time'", "a=b": "'a=b'", "--a=b": "--a=b", "1,2": "1,2", "é": "'é'"} {
		if got := Quote(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
