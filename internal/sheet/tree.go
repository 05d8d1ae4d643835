package sheet

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// reader walks the tree of one YAML file. Everything that it finds wrong goes to its problems, and it goes on.
type reader struct {
	problems
	file  string // as errors name it
	lines []string

	measures map[string]*yaml.Node // where the commands that print progress stand, by their text
}

// entry is a key of a mapping with its value.
type entry struct {
	key     string
	keyNode *yaml.Node
	value   *yaml.Node
}

// at returns where a node stands.
func (r *reader) at(n *yaml.Node) position { return position{r.file, n.Line, n.Column} }

// wrong notes a problem with a node.
func (r *reader) wrong(n *yaml.Node, what, tip, format string, args ...any) {
	r.add(r.at(n), what, fmt.Sprintf(format, args...), tip)
}

// follow returns what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}

// describe names the kind of a node for a message.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return fmt.Sprintf("%q", n.Value)
}

// isNull says whether nothing was written; null and ~ are texts like any other.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Tag == "!!null"
}

// mapping returns the entries of a mapping. Unknown keys, where known is not nil, and repeated ones are problems and
// left out. The owner is what the keys belong to, as "the sheet".
func (r *reader) mapping(n *yaml.Node, owner string, known []string) []entry {
	n = follow(n)
	if n.Kind != yaml.MappingNode {
		r.wrong(n, "wrong value", "", "%s is a mapping of keys to values, not %s", owner, describe(n))
		return nil
	}
	var all []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := follow(n.Content[i]), follow(n.Content[i+1])
		if k.Kind != yaml.ScalarNode {
			r.wrong(k, "wrong key", "quote text that holds braces or brackets", "a key is a word, not %s", describe(k))
			continue
		}
		if k.Tag == "!!merge" {
			r.wrong(k, "unknown key", "write the keys out, or use an alias for a whole value", "merge keys are not supported")
			continue
		}
		if j := slices.IndexFunc(all, func(e entry) bool { return e.key == k.Value }); j >= 0 {
			r.wrong(k, "repeated key", "", "%q was already set in line %d", k.Value, all[j].keyNode.Line)
			continue
		}
		if known != nil && !slices.Contains(known, k.Value) {
			r.wrong(k, "unknown key", suggest(k.Value, known), "%q is no key of %s", k.Value, owner)
			continue
		}
		all = append(all, entry{k.Value, k, v})
	}
	return all
}

// sequence returns the items of a list.
func (r *reader) sequence(n *yaml.Node, owner string) []*yaml.Node {
	n = follow(n)
	if n.Kind != yaml.SequenceNode {
		r.wrong(n, "wrong value", "", "%s is a list, not %s", owner, describe(n))
		return nil
	}
	all := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		all[i] = follow(c)
	}
	return all
}

// text returns the text of a scalar exactly as it was typed.
func (r *reader) text(n *yaml.Node, owner string) (string, bool) {
	n = follow(n)
	switch {
	case n.Kind != yaml.ScalarNode:
		tip := ""
		if n.Style&yaml.FlowStyle != 0 {
			tip = "text that begins with a brace or a bracket has to stand in quotes"
		}
		r.wrong(n, "wrong value", tip, "%s is a text or a number, not %s", owner, describe(n))
	case isNull(n):
		r.wrong(n, "wrong value", "write '' for an empty text", "%s has no value", owner)
	case n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!str":
		r.wrong(n, "wrong value", "leave the tag out: values are kept as they are typed", "%s carries the tag %s", owner, n.Tag)
	case strings.IndexByte(n.Value, 0) >= 0:
		r.wrong(n, "wrong value", "", "%s holds a NUL character", owner)
	default:
		return n.Value, true
	}
	return "", false
}

// suggest returns a hint that names the nearest of the known words, or all of them where none is near.
func suggest(word string, known []string) string {
	best, distance := "", 1+max(len(word), 2)/3
	for _, k := range known {
		if n := len(word) - 1; n >= 4 && strings.HasPrefix(k, strings.ToLower(word[:n])) && best == "" {
			best = k // retry, retries
		}
		if d := edits(strings.ToLower(word), k); d <= distance && (best == "" || d < distance) {
			best, distance = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(known) == 0 {
		return ""
	}
	return "there is: " + strings.Join(known, ", ")
}

// edits counts the insertions, deletions, replacements and swaps of neighbours between two words (the restricted
// Damerau-Levenshtein distance).
func edits(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
		for j := range rows[i] {
			switch {
			case i == 0:
				rows[i][j] = j
			case j > 0:
				same := 1
				if a[i-1] == b[j-1] {
					same = 0
				}
				rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+same)
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
				}
			}
		}
	}
	return rows[len(a)][len(b)]
}
