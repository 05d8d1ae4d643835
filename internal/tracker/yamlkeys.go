package tracker

import (
	"bytes"
	"strconv"
	"strings"
)

// yamlKeys reads the values of some keys out of YAML, line by line: a YAML parser refuses the foreign tags that Python
// writes (!!python/object:...), and reads 1e-3 as a text. A key is one of the top level, or a path by indentation as
// trainer.max_epochs. The values come as text, without quotes, tags, anchors and comments; a key without a scalar on its
// own line (a mapping, a sequence, a text over several lines) is not told. Nothing is found in sequences, in flow
// mappings ({a: 1}) and in texts. The last of several equal keys counts, as in PyYAML. A last line without its end may
// be cut in the middle of a number: it is left out.
func yamlKeys(data []byte, keys ...string) map[string]string {
	out := map[string]string{}
	var above []yamlLevel
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	for {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			return out
		}
		line := strings.TrimRight(string(data[:i]), " \t\r")
		data = data[i+1:]
		text := strings.TrimLeft(line, " ")
		indent := len(line) - len(text)
		if text == "" || text[0] == '#' {
			continue
		}
		if indent == 0 && (line == "---" || line == "..." || strings.HasPrefix(line, "--- ") || text[0] == '%') {
			above = nil
			continue
		}
		for len(above) > 0 && above[len(above)-1].indent >= indent {
			above = above[:len(above)-1]
		}
		if len(above) > 0 && above[len(above)-1].closed {
			continue
		}
		if len(above) == 0 && indent > 0 {
			continue
		}
		key, value, ok := yamlPair(text)
		if ok && len(above) > 0 {
			key = above[len(above)-1].path + "." + key
		}
		value = yamlScalar(value)
		// Below a sequence's dash, a text of several lines or a value there are no keys of this path.
		above = append(above, yamlLevel{indent, key, !ok || value != "" || len(above) >= scanDepth})
		if !ok || value == "" || strings.ContainsAny(value[:1], "|>{[*") {
			continue
		}
		for _, k := range keys {
			if k == key {
				out[key] = yamlText(value)
			}
		}
	}
}

// yamlLevel is a key that further lines may stand below.
type yamlLevel struct {
	indent int
	path   string
	closed bool // what stands below has no path
}

// yamlPair splits "key: value", and says whether it is that. The value may be empty.
func yamlPair(text string) (key, value string, ok bool) {
	if c := text[0]; c == '"' || c == '\'' {
		end := strings.IndexByte(text[1:], c)
		if end < 0 {
			return "", "", false
		}
		key, text = text[1:1+end], text[2+end:]
		if text == "" || text[0] != ':' {
			return "", "", false
		}
		value = text[1:]
	} else if key, value, ok = strings.Cut(text, ": "); !ok {
		if key, value, ok = strings.Cut(text, ":\t"); !ok {
			if key, ok = strings.CutSuffix(text, ":"); !ok {
				return "", "", false
			}
		}
	}
	if value != "" && value[0] != ' ' && value[0] != '\t' && text[0] == ':' {
		return "", "", false
	}
	dash := key == "-" || strings.HasPrefix(key, "- ") || strings.HasPrefix(key, "? ")
	return strings.TrimRight(key, " "), strings.TrimSpace(value), !dash && key != ""
}

// yamlScalar takes tags and anchors off the beginning of a value, and a comment that is all of it.
func yamlScalar(value string) string {
	for value != "" && (value[0] == '!' || value[0] == '&') {
		_, value, _ = strings.Cut(value, " ")
		value = strings.TrimLeft(value, " ")
	}
	if strings.HasPrefix(value, "#") {
		return ""
	}
	return value
}

// yamlText returns the text of a scalar on one line.
func yamlText(value string) string {
	if c := value[0]; c == '"' || c == '\'' {
		end := strings.LastIndexByte(value, c)
		if end <= 0 {
			return value[1:]
		}
		if c == '\'' {
			return strings.ReplaceAll(value[1:end], "''", "'")
		}
		if text, err := strconv.Unquote(value[:end+1]); err == nil {
			return text
		}
		return value[1:end]
	}
	if i := strings.Index(value, " #"); i >= 0 {
		value = value[:i]
	}
	return strings.TrimSpace(value)
}

// maxKnownConfig is up to which size a file of settings is held for those that ask for it later in the same reading.
const maxKnownConfig = 64 << 10

// yaml reads keys out of a YAML file below the work dir, which becomes a witness; nothing where there is none.
func (ev *Evidence) yaml(rel string, keys ...string) (map[string]string, error) {
	ev.Witness(rel)
	if st, err := ev.Look(rel); err != nil || st.Kind == Absent {
		return nil, err
	}
	data, known := ev.configs[rel]
	if !known {
		var err error
		if data, err = ev.readAll(rel, maxConfig); err != nil {
			if absent(err) {
				return nil, nil // removed in between, as the witness will show
			}
			return nil, err
		}
		if len(data) <= maxKnownConfig {
			ev.configs[rel] = data // several trackers look at args.yaml and config.yaml
		}
	}
	return yamlKeys(data, keys...), nil
}
