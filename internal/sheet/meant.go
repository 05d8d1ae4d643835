package sheet

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"runsheet/internal/shell"
)

// pythonRange matches a call of Python's range.
var pythonRange = regexp.MustCompile(`^(?:list\()?range\( *(-?\d+) *(?:, *(-?\d+) *)?(?:, *(-?\d+) *)?\)\)?$`)

// pythonBegins matches what begins like one.
var pythonBegins = regexp.MustCompile(`^(?:list\()?range\(`)

// pythonForm is the hint for a range that is written as in Python.
func pythonForm(key, s string) string {
	values, ok := fromPython(s)
	if !ok {
		values = "0..4"
	}
	return "write it like " + key + ": " + bracketed(values)
}

func quoted(n *yaml.Node) bool {
	return n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
}

// meant looks at an axis whose only value is a quoted text, such as "range(5)". It returns how that is written in
// a sheet, and what is wrong with it; empty: it is a plain value.
func meant(key, s string) (form, what string) {
	if _, ok := fromPython(s); ok {
		return pythonForm(key, s), "a range is not written as in Python"
	}
	if inner, ok := enclosed(s); ok {
		return fmt.Sprintf("write it without the quotes, like %s: [%s]; one value that is such a text stands in a list: [%s]", key, inner, scalar(s)),
			"this is one value, and reads like a list of them"
	}
	return "", ""
}

// bracketed writes values as the list of an axis; a range is one by itself.
func bracketed(values string) string {
	if strings.Contains(values, "..") && !strings.Contains(values, ",") {
		return values
	}
	return "[" + strings.ReplaceAll(values, ",", ", ") + "]"
}

// fromPython writes the values of a call of range as we do: 0..4, or 0,2,4 where there are steps.
func fromPython(s string) (values string, ok bool) {
	m := pythonRange.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	var n []int
	for _, digits := range m[1:] {
		if v, err := strconv.Atoi(digits); err == nil {
			n = append(n, v)
		}
	}
	from, to, step := 0, n[0], 1
	if len(n) > 1 {
		from, to = n[0], n[1]
	}
	if len(n) > 2 {
		step = n[2]
	}
	switch {
	case step == 1 && to-from > 1:
		return fmt.Sprintf("%d..%d", from, to-1), true
	case step == -1 && from-to > 1:
		return fmt.Sprintf("%d..%d", from, to+1), true
	case step == 0 || step > 0 && from >= to || step < 0 && from <= to:
		return "0..4", true // it has no values
	}
	var all []string
	for v := from; step > 0 && v < to || step < 0 && v > to; v += step {
		if len(all) == 6 {
			all = append(all, "...")
			break
		}
		all = append(all, strconv.Itoa(v))
	}
	return strings.Join(all, ","), true
}

// enclosed returns what stands within one pair of brackets around a text, where that is all of it and it holds a comma.
func enclosed(s string) (inner string, ok bool) {
	s = strings.TrimSpace(s)
	if len(s) < 2 || !strings.Contains(s, ",") || strings.IndexByte("[({", s[0]) < 0 || strings.IndexByte("[({", s[0]) != strings.IndexByte("])}", s[len(s)-1]) {
		return "", false
	}
	if inner = s[1 : len(s)-1]; strings.ContainsAny(inner, "[](){}") {
		return "", false // of lists, or of calls
	}
	return strings.TrimSpace(inner), true
}

// nested is the hint for a list in the list of an axis.
func nested(key string, all, item *yaml.Node) string {
	var values []string
	for _, v := range item.Content {
		if v = follow(v); v.Kind != yaml.ScalarNode {
			return "text that begins with a brace or a bracket has to stand in quotes"
		}
		values = append(values, v.Value)
	}
	text := "'[" + strings.Join(values, ", ") + "]'"
	if len(all.Content) == 1 {
		return fmt.Sprintf("write its values in one list, like %s: [%s]; one value that is a list stands in quotes: %s", key, strings.Join(values, ", "), text)
	}
	return "a value that is a list stands in quotes: " + text
}

// listed returns the values of name=list on a command line, where a comma always separates. A list that is written as another
// language writes it is told with the form that was meant.
func listed(key, list string) (values []string, msg, tip string) {
	if form, ok := fromPython(list); ok {
		return nil, list + ": a range is not written as in Python", "write it like " + key + "=" + form
	}
	if inner, ok := enclosed(list); ok || strings.HasPrefix(list, "[") && strings.HasSuffix(list, "]") && !strings.ContainsAny(list[1:len(list)-1], "[]") {
		if !ok {
			inner = list[1 : len(list)-1]
		}
		inner = strings.NewReplacer(" ", "", "'", "", `"`, "").Replace(inner)
		if form, ok := fromPython(inner); ok {
			inner = form
		}
		return nil, list + ": a list is written without brackets here", fmt.Sprintf("write it like %s=%s; a value that has brackets is written in a %s", key, inner, FileName)
	}
	values = strings.Split(list, ",")
	if len(values) > 1 && depth(list) == 0 {
		for _, v := range values {
			if depth(v) != 0 {
				return nil, fmt.Sprintf("%s: a comma separates values here, also within brackets", list),
					fmt.Sprintf("write values that hold commas in a %s, as %s: ['[64,64]', '[128,128]']", FileName, key)
			}
		}
	}
	return values, "", ""
}

// depth counts the brackets that are opened in a text and not closed.
func depth(s string) int {
	return strings.Count(s, "[") + strings.Count(s, "(") + strings.Count(s, "{") - strings.Count(s, "]") - strings.Count(s, ")") - strings.Count(s, "}")
}

// joined puts a list in brackets together again that blanks have made several arguments of.
func joined(args []string) []string {
	var out []string
	for _, a := range args {
		if n := len(out) - 1; n >= 0 && !assigns.MatchString(a) && assigns.MatchString(out[n]) && depth(out[n]) > 0 {
			out[n] += " " + a
			continue
		}
		out = append(out, a)
	}
	return out
}

// assigns matches name=values.
var assigns = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// OneCommand writes the command line of run, in backquotes, in which the words of a command stand in quotes, as one argument, and name=values
// after it.
func OneCommand(args []string) string {
	end := len(args)
	for end > 1 && assigns.MatchString(args[end-1]) && !strings.Contains(args[end-1], "{") {
		end--
	}
	var words []string
	for i, w := range args[:end] {
		if i > 0 && strings.ContainsFunc(w, func(c rune) bool { return !shell.Safe(string(c)) && !strings.ContainsRune("{}", c) }) {
			w = shell.Quote(w)
		}
		words = append(words, w)
	}
	out := []string{"'" + strings.ReplaceAll(strings.Join(words, " "), "'", `'\''`) + "'"}
	for _, a := range args[end:] {
		name, values, _ := strings.Cut(a, "=")
		if !shell.Safe(values) {
			values = shell.Quote(values)
		}
		out = append(out, name+"="+values)
	}
	return "`runsheet run " + strings.Join(out, " ") + "`"
}
