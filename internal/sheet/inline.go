package sheet

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Inline writes the sheet that an inline command line amounts to: args are the command and then name=value,value...
// where a value may be a range like 0..2. Every value keeps its text; a comma always separates. The matrix is in the
// order of the arguments. jobs above 0 becomes the policy's jobs. The same arguments give the same bytes. The error is
// of type Errors.
func Inline(args []string, jobs int) ([]byte, error) {
	var r reader
	wrong := func(what, msg, tip string) { r.add(position{}, what, msg, tip) }
	for i, a := range args {
		if !utf8.ValidString(a) || strings.IndexByte(a, 0) >= 0 {
			wrong("wrong argument", fmt.Sprintf("%q (number %d) is not a text in UTF-8", a, i+1), "write it into a file that the command reads")
		}
	}
	if len(args) == 0 || strings.TrimSpace(args[0]) == "" {
		wrong("missing command", "there is nothing to run", "write it like: `runsheet run 'python t.py --lr {lr}' lr=0.1,0.01`")
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString("# Written by runsheet for a command line.\nversion: 1\n")
	fmt.Fprintf(&b, "command: %s\n", scalar(args[0]))
	if len(args) > 1 {
		b.WriteString("matrix:\n")
	}
	for i, a := range args[1:] {
		key, list, ok := strings.Cut(a, "=")
		if !ok {
			wrong("wrong argument", fmt.Sprintf("%q has no =", a), "the command is one argument: put it in quotes, and name=value,value after it")
			continue
		}
		for _, before := range args[1 : i+1] {
			if strings.HasPrefix(before, key+"=") {
				wrong("repeated parameter", fmt.Sprintf("%q is there twice", key), "write all its values in one: "+key+"=a,b")
			}
		}
		fmt.Fprintf(&b, "  %s: [", scalar(key))
		for j, v := range strings.Split(list, ",") {
			if j > 0 {
				b.WriteString(", ")
			}
			b.WriteString(scalar(v))
		}
		b.WriteString("]\n")
	}
	if jobs > 0 {
		fmt.Fprintf(&b, "policy: {jobs: %d}\n", jobs)
	}
	return []byte(b.String()), r.err()
}

var bareScalar = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_./+-]*$`)

// scalar writes a text as a YAML scalar of one line that reads back as exactly this text: bare where nothing in it has
// a meaning, in single quotes where it is printable ASCII, in double quotes with escapes otherwise (YAML 1.2, 7.3).
func scalar(s string) string {
	if bareScalar.MatchString(s) {
		return s
	}
	if !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' }) {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case unicode.IsPrint(c):
			b.WriteRune(c)
		case c <= 0xff:
			fmt.Fprintf(&b, `\x%02X`, c)
		case c <= 0xffff:
			fmt.Fprintf(&b, `\u%04X`, c)
		default:
			fmt.Fprintf(&b, `\U%08X`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
