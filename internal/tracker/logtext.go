package tracker

import (
	"math"
	"strconv"
	"strings"

	"runsheet"
)

// countAt reads the count in digits that a text begins with, after blanks, and returns what follows it.
func countAt(text string) (n int64, rest string, ok bool) {
	text = strings.TrimLeft(text, " \t")
	i := 0
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	if i == 0 || i > 18 {
		return 0, text, false
	}
	n, ok = parseCount(text[:i])
	return n, text[i:], ok
}

// shareAt reads "3/10", "3 / 10" or "3 of 10" that a text begins with. total is 0 where only a count stands there. What
// goes on as a date, a path or a fraction does is neither.
func shareAt(text string) (n, total int64, rest string, ok bool) {
	n, rest, ok = countAt(text)
	if !ok {
		return 0, 0, text, false
	}
	after := strings.TrimLeft(rest, " ")
	switch {
	case strings.HasPrefix(after, "/"):
		after = after[1:]
	case strings.HasPrefix(after, "of "):
		after = after[3:]
	default:
		return n, 0, rest, !fraction(rest)
	}
	total, after, ok = countAt(after)
	if !ok || total == 0 || fraction(after) || strings.HasPrefix(after, "/") {
		return 0, 0, text, false
	}
	return n, total, after, true
}

// fraction says whether digits before a text and the text are one number or word: ".5", "e5", "th".
func fraction(rest string) bool {
	if rest == "" {
		return false
	}
	if rest[0] == '.' {
		return len(rest) > 1 && isWord(rest[1])
	}
	return isWord(rest[0])
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }

func isWord(c byte) bool { return isDigit(c) || isLetter(c) }

// word finds a word of small letters, which may be written as "word", "Word" or "WORD", and returns where it begins; -1
// where it is not there by itself, but for an "s" at its end.
func word(text, small, large string) int {
	for _, tail := range []string{small[1:], large[1:]} {
		for from := 0; ; {
			i := strings.Index(text[from:], tail)
			if i < 0 {
				break
			}
			i += from - 1
			if i >= 0 && (text[i] == small[0] || text[i] == large[0]) && (i == 0 || !isWord(text[i-1])) {
				if end := i + len(small); end == len(text) || !isWord(text[end]) ||
					text[end]|0x20 == 's' && (end+1 == len(text) || !isWord(text[end+1])) {
					return i
				}
			}
			from = i + len(small)
		}
	}
	return -1
}

// heads says whether what stands before a word is only what loggers put before a message: nothing, a time, a level, a
// rank, each closed by a bracket, a colon, a dash, a bar.
func heads(before string) bool {
	before = strings.TrimRight(before, " \t#*=>")
	if before == "" {
		return true
	}
	switch before[len(before)-1] {
	case ']', ':', '|', ')', '-':
		return true
	}
	return strings.HasSuffix(before, "INFO") || strings.HasSuffix(before, "DEBUG")
}

// isDrawn says whether a line is a progress bar of tqdm, rich or Keras, as far as its looks go.
func isDrawn(text string) bool {
	if strings.Contains(text, "%|") || strings.Contains(text, "━") || strings.Contains(text, "it/s") {
		return true
	}
	i := strings.IndexByte(text, '[')
	return i >= 0 && strings.Contains(text[i:], "s/it")
}

// metricsIn returns the metrics that a text tells as pairs of name and value: "loss: 0.5", "loss=5e-1", "'val/acc': nan".
// Times and shares are none ("ETA: 01:30", "step: 3/10"), and neither is the count itself ("epoch: 3").
func metricsIn(text string) runsheet.Metrics {
	var m runsheet.Metrics
	metricsInto(&m, text)
	return m
}

// metricsInto puts the metrics that a text tells over those that were there, up to maxTold of them, and says whether it
// tells any.
func metricsInto(m *runsheet.Metrics, text string) (any bool) {
	done := 0 // bytes that belong to a pair already
	for at := 0; ; at++ {
		i := strings.IndexAny(text[at:], ":=")
		if i < 0 {
			return any
		}
		at += i
		name := nameBefore(text[done:at])
		if name == "" {
			continue
		}
		v, n, ok := valueAt(text[at+1:])
		if !ok || isCounter(name) {
			continue
		}
		if *m == nil {
			*m = runsheet.Metrics{}
		}
		if _, ok := (*m)[name]; ok {
			(*m)[name] = v
		} else if len(*m) < maxTold {
			(*m)[strings.Clone(name)] = v // the line itself is not kept
		}
		any = true
		at += n
		done = at + 1
	}
}

// nameBefore returns the name of a metric that a text ends with, "" if it ends with none.
func nameBefore(text string) string {
	text = strings.TrimRight(text, " ")
	text = strings.TrimRight(text, `'"`)
	i := len(text)
	for i > 0 && (isWord(text[i-1]) || strings.IndexByte("/.@-", text[i-1]) >= 0) {
		i--
	}
	for i < len(text) && !isLetter(text[i]) {
		i++
	}
	if len(text)-i > maxName {
		return ""
	}
	if i > 1 && i < len(text) && text[i-1] == ' ' { // "Train Loss", "val acc"
		j := strings.LastIndexByte(text[:i-1], ' ') + 1
		switch strings.ToLower(text[j : i-1]) {
		case "train", "training", "val", "valid", "validation", "test", "eval", "best", "avg", "average", "mean":
			i = j
		}
	}
	return text[i:]
}

// maxName is how long the name of a metric may be.
const maxName = 100

// valueAt reads the number that a text begins with, in quotes or not, and returns how many bytes it took.
func valueAt(text string) (v float64, n int, ok bool) {
	i := 0
	for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
		i++
	}
	quote := i < len(text) && (text[i] == '\'' || text[i] == '"')
	if quote {
		i++
	}
	end := i
	for end < len(text) && (isWord(text[end]) || text[end] == '.' || (text[end] == '-' || text[end] == '+') && (end == i || text[end-1]|0x20 == 'e')) {
		end++
	}
	number := strings.TrimRight(text[i:end], ".")
	end = i + len(number)
	if number == "" || !isNumber(number) {
		return 0, 0, false
	}
	if v, ok = parseFloat(number); !ok {
		return 0, 0, false
	}
	if end < len(text) {
		switch c := text[end]; {
		case quote && c == text[i-1]:
			end++
		case c == ':' || c == '/' || c == '%':
			return 0, 0, false
		}
	}
	return v, end, true
}

// isNumber says whether a word may be a number as training code prints it: neither hexadecimal nor with "_" in it.
func isNumber(text string) bool {
	c := text[0]
	if (c == '-' || c == '+') && len(text) > 1 {
		c = text[1]
	}
	if isDigit(c) || c == '.' {
		return strings.IndexFunc(text, func(r rune) bool { return r > 'e' || r == '_' || 'F' <= r && r <= 'Z' }) < 0
	}
	switch strings.ToLower(strings.TrimLeft(text, "+-")) {
	case "nan", "inf", "infinity":
		return true
	}
	return false
}

// isCounter says whether a name is that of a count or a time rather than of a metric.
func isCounter(name string) bool {
	switch strings.ToLower(name) {
	case "epoch", "step", "iter", "iteration", "eta", "v_num":
		return true
	}
	return false
}

// merge puts metrics over those that were there, up to maxTold of them.
func merge(into *runsheet.Metrics, m runsheet.Metrics) {
	if *into == nil && len(m) > 0 {
		*into = runsheet.Metrics{}
	}
	for name, v := range m {
		if _, ok := (*into)[name]; ok {
			(*into)[name] = v
		} else if len(*into) < maxTold {
			(*into)[strings.Clone(name)] = v // the line itself is not kept
		}
	}
}

// maxTold is how many metrics a dialect keeps.
const maxTold = 100

// scaled reads a count as tqdm writes it: "12", or "1.20k", which stands for as many as slack more or less.
func scaled(text string) (n, slack int64, ok bool) {
	if n, ok := parseCount(text); ok {
		return n, 0, true
	}
	if text == "" {
		return 0, 0, false
	}
	scale := 1.0
	if i := strings.IndexByte("kMGTP", text[len(text)-1]); i >= 0 {
		scale = math.Pow10(3 * (i + 1))
		text = text[:len(text)-1]
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v*scale > maxCount || !isDigit(text[0]) || strings.ContainsAny(text, "exXpP_") {
		return 0, 0, false
	}
	digits := 0
	if i := strings.IndexByte(text, '.'); i >= 0 {
		digits = len(text) - i - 1
	}
	return int64(v * scale), int64(scale / math.Pow10(digits) / 2), true
}

// spoken reads metrics that are told without a sign between name and value: "loss 2.3, val acc 0.91".
func spoken(text string) runsheet.Metrics {
	if strings.IndexByte(text, '.') < 0 && !strings.Contains(text, "nan") && !strings.Contains(text, "inf") {
		return nil
	}
	var m runsheet.Metrics
	name := ""
	for field := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" \t,;|:()", r) }) {
		v, ok := parseFloat(field)
		switch {
		case ok && (strings.IndexByte(field, '.') > 0 || !isDigit(field[len(field)-1])) && isNumber(field):
			if name != "" && len(m) < maxTold {
				if m == nil {
					m = runsheet.Metrics{}
				}
				m[name] = v
			}
			name = ""
		case ok || !isLetter(field[0]) || len(name)+len(field) > maxName:
			name = ""
		default:
			switch strings.ToLower(field) {
			case "time", "took", "in", "of", "at", "from", "to", "eta":
				name = ""
			case "train", "training", "val", "valid", "validation", "test", "eval", "avg", "average", "mean":
				name = field + " "
			default:
				if strings.HasSuffix(name, " ") {
					name += field
				} else {
					name = field
				}
			}
		}
	}
	return m
}
