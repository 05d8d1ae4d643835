package sheet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"runsheet/internal/shell"
)

// config is a file that `configs` found.
type config struct {
	path string // as the pattern spells it: relative to the sheet's directory, or absolute
	rel  string // below the pattern's fixed part, without the last extension
}

// values returns what {config} and its parts stand for.
func (c config) values(values map[string]shell.Value) {
	values["config"] = shell.Value{Kind: shell.Tree, Text: c.path}
	values["config.dir"] = shell.Value{Kind: shell.Tree, Text: path.Dir(c.path)}
	values["config.stem"] = shell.Value{Text: stem(path.Base(c.path))}
	values["config.rel"] = shell.Value{Kind: shell.Tree, Text: c.rel}
}

// stem cuts the extension off a file name; .x has none.
func stem(name string) string {
	if ext := path.Ext(name); ext != name {
		return strings.TrimSuffix(name, ext)
	}
	return name
}

// readConfigs finds the files of `configs`: they are the values of an axis called config.
func (d *document) readConfigs(n *yaml.Node) {
	items := []*yaml.Node{follow(n)}
	if items[0].Kind == yaml.SequenceNode {
		items = d.sequence(n, "configs")
	}
	d.found = make(map[string]config)
	all := axis{key: "config", node: n}
	for _, item := range items {
		pattern, ok := d.text(item, "configs")
		if !ok {
			continue
		}
		if pattern == "" {
			d.wrong(item, "wrong value", "write a pattern like configs/**/*.py", "configs is empty")
			continue
		}
		files, base, err := glob(d.files, d.sheet.Dir, pattern)
		if err != nil {
			d.wrong(item, "wrong value", "", "the files of %q cannot be found: %v", pattern, err)
			continue
		}
		if len(files) == 0 {
			d.wrong(item, "no files", "patterns are relative to the sheet's directory; ** stands for any directories", "no file matches %q", pattern)
		}
		for _, f := range files {
			if !utf8.ValidString(f) {
				d.wrong(item, "wrong value", "rename the file", "the name of %q is not UTF-8", f)
				continue
			}
			if _, twice := d.found[f]; twice {
				continue
			}
			rel := strings.TrimPrefix(strings.TrimPrefix(f, base), "/")
			d.found[f] = config{f, path.Join(path.Dir(rel), stem(path.Base(rel)))}
			all.values = append(all.values, f)
		}
	}
	d.axes = append(d.axes, all)
}

// maxCommands is how long a file of commands can be, in bytes.
const maxCommands = 16 << 20

// readCommands reads the file of `commands`: its lines are the values of an axis called command.
func (d *document) readCommands(n *yaml.Node) {
	name, ok := d.text(n, "commands")
	if !ok {
		return
	}
	file := name
	if !filepath.IsAbs(name) {
		file = filepath.Join(d.sheet.Dir, name)
	}
	data, err := d.files.Read(file, maxCommands)
	if err != nil {
		d.wrong(n, "wrong value", "commands names a file with one command a line", "the commands cannot be read: %v", err)
		return
	}
	if !utf8.Valid(data) {
		d.wrong(n, "wrong value", "save it as UTF-8", "%s is not UTF-8", name)
		return
	}
	d.texts = make(map[string]template)
	all := axis{key: "command", node: n}
	first := make(map[string]int)
	for i, line := range strings.Split(string(data), "\n") {
		text := strings.TrimSpace(line)
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		indent := utf8.RuneCountInString(line[:strings.Index(line, text)])
		at := func(offset int) position {
			return position{name, i + 1, indent + utf8.RuneCountInString(text[:offset]) + 1}
		}
		if first[text] > 0 {
			d.add(at(0), "repeated value", fmt.Sprintf("the same command stands in line %d", first[text]), "leave one of them out")
			continue
		}
		first[text] = i + 1
		if t := d.parse(text, at); t != nil {
			d.texts[text] = *t
			all.values = append(all.values, text)
		}
	}
	if len(all.values) == 0 && len(d.list) == 0 {
		d.wrong(n, "wrong value", "write one command a line; lines that begin with # do not count", "%s holds no command", name)
	}
	d.axes = append(d.axes, all)
}

// Slug returns a name for a command: what can be read of its text, and a hash of all of it. It is the same wherever
// the command stands, and fits a file name.
func Slug(command string) string {
	const longest = 40
	var b strings.Builder
	for _, c := range command {
		if b.Len() >= longest {
			break
		}
		switch {
		case c < utf8.RuneSelf && (c == '_' || c == '.' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'):
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	hash := sha256.Sum256([]byte(command))
	return strings.TrimLeft(strings.TrimRight(b.String(), "-")+"-"+hex.EncodeToString(hash[:4]), ".-")
}
