package report

import "strings"

// Markdown renders the table as GitHub flavoured Markdown; the best of a column is bold.
func (t Table) Markdown() string {
	if why := t.empty(); why != "" {
		return escapeMarkdown(t.title()+": "+why) + "\n"
	}
	var b strings.Builder
	row := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	labels, headings := t.headings()
	var titles, rules []string
	for _, h := range labels {
		titles, rules = append(titles, escapeMarkdown(h)), append(rules, ":--")
	}
	for _, h := range headings {
		titles, rules = append(titles, escapeMarkdown(h)), append(rules, "--:")
	}
	b.WriteString(escapeMarkdown(t.title()) + "\n\n")
	row(titles)
	row(rules)
	for _, r := range t.Rows {
		var cells []string
		for _, l := range r.Labels {
			cells = append(cells, escapeMarkdown(label(l)))
		}
		for i, c := range r.Cells {
			best := c.Best
			c.Best = false
			s := strings.TrimSuffix(t.textCell(i, c), c.marks())
			if best {
				s = "**" + s + "**"
			}
			cells = append(cells, s+c.marks())
		}
		row(cells)
	}
	if notes := t.legend("**bold**"); len(notes) > 0 {
		b.WriteString("\n" + strings.Join(notes, "; ") + "\n")
	}
	return b.String()
}

// escapeMarkdown keeps text from being taken for markup or for the end of a cell.
func escapeMarkdown(s string) string {
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", ">", "&gt;",
		"[", `\[`, "]", `\]`, "#", `\#`, "~", `\~`, "&", "&amp;").Replace(s)
}
