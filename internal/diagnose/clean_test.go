package diagnose

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"runsheet/internal/prove/hostile/bound"
)

// hostile are texts that try something with a terminal, and what is left of them there.
var hostile = map[string]string{
	"":                                              "",
	"plain\n":                                       "plain\n",
	"a\tb\r\n 50%|##  |\r100%|####|\n":              "a\tb\r\n 50%|##  |\r100%|####|\n",
	"\x1b[1;31mred\x1b[0m\n":                        "\x1b[1;31mred\x1b[0m\n",
	"\x1b[38;2;1;2;3mx\x1b[m \x1b[4:3my":            "\x1b[38;2;1;2;3mx\x1b[m \x1b[4:3my\x1b[m",
	"\x1b[8mhidden":                                 "\x1b[8mhidden\x1b[m",
	"\x00]52;c;aGk=\x07":                            "]52;c;aGk=", // the NUL is nothing
	"\x00[2J\x00[5n\x00c":                           "[2J[5nc",
	"\x1b]52;c;aGk=\x07x":                           "x",
	"\x1b]52;c;aGk=\x1b\\x":                         "x",
	"\x1b]8;;http://h\x1b\\l\x1b]8;;\x1b\\":         "l",
	"\x1b]0;“title”\x07x":                           "x", // a byte of these quotes ends strings where bytes are looked at
	"\x1bP1$r0m\x1b\\x\x1b_Gi=1\x1b\\y":             "xy",
	"\x1b[2J\x1b[H\x1b[5nx\x1bc\x1b(B\x1b7y":        "xy",
	"\x1b[Kx\x1b[1Ay\bz":                            "xyz",
	"\x1b[>4;2mx\x1b[?4my\x1b[0 mz":                 "xyz", // they end like colours
	"\x1b[1>2mx\x1b[ 1mx":                           "x[ 1mx",
	"\u009b31mred\u009b0m":                          "\x1b[31mred\x1b[0m",
	"\u009d52;c;aGk=\u009cx":                        "x",
	"\u0090q\u009cx\u0084y\u008dz\u0085\n":          "xyz\n\n",
	"\x9b2J\x9d0;t\x07x\xffy":                       "\uFFFD2J\uFFFD0;tx\uFFFDy",
	"a\u202eb\u2066c\u200fd\u061ce\ufeff":           "abcde",
	"\x1b[\u202e2Jx":                                "[2Jx",
	"\x1b]0;no end":                                 "]0;no end",
	"\x1b]0;cut\nnext\x07":                          "]0;cut\nnext",
	"\x1b]0;cut\x1b[31mred\x1b[0m":                  "]0;cut\x1b[31mred\x1b[0m",
	"\x1b[31\nx":                                    "[31\nx",
	"\x1b[31":                                       "[31",
	"\x1b":                                          "",
	"\x1b\x1b\x1b[31mx\x1b[0m":                      "\x1b[31mx\x1b[0m",
	"\x1b[3\x1b[2J1mx":                              "[31mx",
	"\x1b[3\x001mx":                                 "[31mx",
	"\x1b]0;t\x18x":                                 "]0;tx",
	"\x0ex\x0f\x05\x08\x7fy\x0b\x0c":                "xy\n\n",
	"a\u2028b\u2029":                                "a\nb\n",
	"Grüße 測試 👩‍🔬\xf0\x9f":                          "Grüße 測試 👩‍🔬\uFFFD",
	"\x1b]0;" + strings.Repeat("x", 2000) + "\x07y": "y",
	"\x1b]0;" + strings.Repeat("x", 5000) + "\x07y": "]0;" + strings.Repeat("x", 5000) + "y",
	"\x1b[" + strings.Repeat("1;", 500) + "mx":      "[" + strings.Repeat("1;", 500) + "mx",
}

func TestCleaner(t *testing.T) {
	for in, want := range hostile {
		if got := cleaned([]byte(in), len(in)); got != want {
			t.Errorf("%.100q:\n%.100q, want\n%.100q", in, got, want)
		}
		checkCleaner(t, []byte(in), len(in)/2)
	}
}

// What the writer below says is said.
func TestCleanerFails(t *testing.T) {
	c := NewCleaner(full{})
	if n, err := c.Write([]byte("x")); n != 0 || !errors.Is(err, errFull) {
		t.Errorf("%d, %v", n, err)
	}
	c = NewCleaner(full{})
	if n, err := c.Write([]byte("\x1b[31")); n != 4 || err != nil {
		t.Errorf("nothing is written yet: %d, %v", n, err)
	}
	if err := c.Close(); !errors.Is(err, errFull) {
		t.Errorf("%v", err)
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func FuzzCleaner(f *testing.F) {
	for in := range hostile {
		f.Add([]byte(in), len(in)/2)
	}
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		bound.Do(t, func() { checkCleaner(t, text, cut) })
	})
}

// checkCleaner holds that nothing but text and colours is left of a stream, wherever it is cut, and that there is nothing
// more to take out of that.
func checkCleaner(t *testing.T, text []byte, cut int) {
	whole := cleaned(text, len(text))
	harmless(t, whole)
	cut = min(max(cut, 0), len(text))
	if parts := cleaned(text, cut); parts != whole {
		t.Errorf("%q in two parts, of %d bytes and the rest:\n%q, as a whole\n%q", text, cut, parts, whole)
	}
	var b bytes.Buffer
	c := NewCleaner(&b)
	for i := range text {
		c.Write(text[i : i+1])
		if n := len(c.c.held) + len(c.c.part); n > longestString+utf8.UTFMax {
			t.Fatalf("%d bytes are held", n)
		}
	}
	c.Close()
	if b.String() != whole {
		t.Errorf("%q byte by byte:\n%q, as a whole\n%q", text, b.String(), whole)
	}
	if again := cleaned([]byte(whole), len(whole)); again != whole {
		t.Errorf("%q of %q becomes\n%q", whole, text, again)
	}
}

// cleaned cleans a text that is written in two parts.
func cleaned(text []byte, cut int) string {
	var b bytes.Buffer
	c := NewCleaner(&b)
	c.Write(text[:cut])
	c.Write(text[cut:])
	c.Close()
	return b.String()
}

// harmless holds that a terminal takes s for text and colours.
func harmless(t *testing.T, s string) {
	if !utf8.ValidString(s) {
		t.Errorf("no UTF-8: %q", s)
	}
	rest := s
	for {
		before, after, found := strings.Cut(rest, "\x1b")
		if i := strings.IndexFunc(before, func(r rune) bool {
			return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' || unicode.Is(unicode.Bidi_Control, r)
		}); i >= 0 {
			t.Fatalf("%q stands in %q", before[i:], s)
		}
		if !found {
			break
		}
		inner, after, _ := strings.Cut(after, "m")
		if !strings.HasPrefix(inner, "[") || strings.Trim(inner[1:], "0123456789;:") != "" {
			t.Fatalf("an ESC before %q stands in %q", inner, s)
		}
		rest = after
	}
	wrong := func(what string) { t.Fatalf("%s stands in %q", what, s) }
	p := ansi.NewParser()
	p.SetHandler(ansi.Handler{
		Execute: func(b byte) {
			if b != '\n' && b != '\t' && b != '\r' {
				wrong("a control character")
			}
		},
		HandleCsi: func(cmd ansi.Cmd, _ ansi.Params) {
			if cmd != 'm' {
				wrong("a control sequence")
			}
		},
		HandleEsc: func(ansi.Cmd) { wrong("an escape sequence") },
		HandleDcs: func(ansi.Cmd, ansi.Params, []byte) { wrong("a device control string") },
		HandleOsc: func(int, []byte) { wrong("an operating system command") },
		HandlePm:  func([]byte) { wrong("a privacy message") },
		HandleApc: func([]byte) { wrong("a program command") },
		HandleSos: func([]byte) { wrong("a string") },
	})
	for i := range len(s) {
		p.Advance(s[i])
	}
	if p.State() != 0 {
		wrong("a sequence without an end")
	}
}
