package report

import (
	"math"
	"strings"
)

// Text renders the table for a terminal or a pipe: as wide as it is, without colours.
func (t Table) Text() string {
	var b strings.Builder
	if why := t.empty(); why != "" {
		return t.title() + ": " + why + "\n"
	}
	b.WriteString(t.title() + "\n\n")
	labels, headings := t.headings()
	var columns []Column
	for i, title := range labels {
		c := Column{Title: title}
		for _, r := range t.Rows {
			c.Cells = append(c.Cells, label(r.Labels[i]))
		}
		columns = append(columns, c)
	}
	for i, title := range headings {
		c := Column{Title: title}
		wide := 0 // means are aligned at their points
		for _, r := range t.Rows {
			if r.Cells[i].N > 0 {
				wide = max(wide, Width(t.Columns[i].number.mean(r.Cells[i].Mean)))
			}
		}
		for _, r := range t.Rows {
			blank := ""
			if r.Cells[i].N > 0 {
				blank = strings.Repeat(" ", wide-Width(t.Columns[i].number.mean(r.Cells[i].Mean)))
			}
			c.Cells = append(c.Cells, blank+t.textCell(i, r.Cells[i]))
		}
		columns = append(columns, c)
	}
	for _, line := range Lay(columns, Style{}, true) {
		b.WriteString(line + "\n")
	}
	if notes := t.legend("*"); len(notes) > 0 {
		b.WriteString("\n" + strings.Join(notes, "; ") + "\n")
	}
	return b.String()
}

// textCell renders a cell as "0.9630 ± 0.0081* (2/3)".
func (t Table) textCell(column int, c Cell) string {
	s := missing
	if c.N > 0 {
		n := t.Columns[column].number
		s = n.mean(c.Mean)
		if c.spread() {
			s += " ± " + n.std(c.Std)
		}
	}
	if c.Best {
		s += "*"
	}
	return s + c.marks()
}

// spread says whether the cell has a standard deviation to show.
func (c Cell) spread() bool { return c.N > 1 && !math.IsNaN(c.Std) }

// marks returns what is to be said of a cell after its number.
func (c Cell) marks() (s string) {
	if c.Outdated > 0 {
		s = dagger
	}
	if m := c.incomplete(); m != "" {
		s += " (" + m + ")"
	}
	return s
}
