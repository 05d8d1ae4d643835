package report

import (
	"slices"
	"strings"
)

// Column is one column of a table on a terminal.
type Column struct {
	Title string
	Cells []string          // without control characters
	Min   int               // columns of the terminal below which it is left out rather than cut; 0: it is never cut
	Keep  int               // where there is no room for all, the column with the lowest is left out first
	Cut   int               // of those that may be cut, the one with the lowest is cut first
	Right bool              // aligned to the right
	Paint func(i int) Paint // colour of cell i; nil: none
}

const gap = 2 // columns of blank between two columns

// Lay puts columns side by side in lines of at most style.Width columns of the terminal. The first line holds the titles if heading is set. Columns without any text are left out. Where there is no room, cells are cut (the
// last column at its end, others in the middle), and columns left out, by Min, Cut and Keep.
func Lay(columns []Column, style Style, heading bool) []string {
	columns = slices.DeleteFunc(slices.Clone(columns), func(c Column) bool {
		return !slices.ContainsFunc(c.Cells, func(s string) bool { return s != "" })
	})
	widths := fit(&columns, style.Width, heading)
	n := 0
	for _, c := range columns {
		n = max(n, len(c.Cells))
	}
	var lines []string
	if heading && len(columns) > 0 {
		lines = append(lines, line(columns, widths, style, func(c Column) (string, Paint) { return c.Title, Faint }))
	}
	for i := range n {
		lines = append(lines, line(columns, widths, style, func(c Column) (string, Paint) {
			switch {
			case i >= len(c.Cells):
				return "", Plain
			case c.Paint == nil:
				return c.Cells[i], Plain
			}
			return c.Cells[i], c.Paint(i)
		}))
	}
	return lines
}

// fit decides how wide each column is, and takes out of columns those for which there is no room.
func fit(columns *[]Column, width int, heading bool) []int {
	for {
		widths, sum := make([]int, len(*columns)), 0
		for i, c := range *columns {
			if heading {
				widths[i] = Width(c.Title)
			}
			for _, s := range c.Cells {
				widths[i] = max(widths[i], Width(s))
			}
			sum += widths[i] + gap
		}
		sum -= gap
		if width <= 0 {
			return widths
		}
		order := make([]int, len(widths))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return (*columns)[a].Cut - (*columns)[b].Cut })
		for _, i := range order {
			if c := (*columns)[i]; c.Min > 0 && sum > width {
				less := min(sum-width, max(widths[i]-c.Min, 0))
				widths[i], sum = widths[i]-less, sum-less
			}
		}
		if sum <= width || len(*columns) == 0 {
			return widths
		}
		if len(*columns) == 1 {
			return []int{width}
		}
		least := 0
		for i, c := range *columns {
			if c.Keep < (*columns)[least].Keep {
				least = i
			}
		}
		*columns = slices.Delete(*columns, least, least+1)
	}
}

func line(columns []Column, widths []int, style Style, cell func(Column) (string, Paint)) string {
	var b strings.Builder
	blank := 0 // spaces are written only where text follows
	for i, c := range columns {
		text, paint := cell(c)
		if i == len(columns)-1 && i > 0 {
			text = End(text, widths[i])
		} else {
			text = Middle(text, widths[i])
		}
		free := widths[i] - Width(text)
		if c.Right {
			blank += free
		}
		if text != "" {
			b.WriteString(strings.Repeat(" ", blank))
			b.WriteString(style.Paint(paint, text))
			blank = 0
		}
		if !c.Right {
			blank += free
		}
		blank += gap
	}
	return b.String()
}
