package report

import "strings"

// LaTeX renders the table as a tabular with the rules of the booktabs package; the best of a column is bold.
func (t Table) LaTeX() string {
	var b strings.Builder
	b.WriteString("% " + t.title() + "\n% needs \\usepackage{booktabs} in the preamble\n")
	if why := t.empty(); why != "" {
		b.WriteString("% " + why + "\n")
		return b.String()
	}
	row := func(cells []string) { b.WriteString(strings.Join(cells, " & ") + ` \\` + "\n") }
	labels, headings := t.headings()
	b.WriteString(`\begin{tabular}{` + strings.Repeat("l", len(labels)) + strings.Repeat("r", len(headings)) + "}\n\\toprule\n")
	var titles []string
	for _, h := range append(labels, headings...) {
		titles = append(titles, escapeLaTeX(h))
	}
	row(titles)
	b.WriteString("\\midrule\n")
	for _, r := range t.Rows {
		var cells []string
		for _, l := range r.Labels {
			cells = append(cells, escapeLaTeX(label(l)))
		}
		for i, c := range r.Cells {
			cells = append(cells, t.latexCell(i, c))
		}
		row(cells)
	}
	b.WriteString("\\bottomrule\n\\end{tabular}\n")
	if notes := t.legend("bold:"); len(notes) > 0 {
		b.WriteString("% " + strings.Join(notes, "; ") + "\n")
	}
	return b.String()
}

func (t Table) latexCell(column int, c Cell) string {
	s := "--"
	if c.N > 0 {
		n := t.Columns[column].number
		s = latexNumber(n.mean(c.Mean))
		if c.Best {
			s = `\mathbf{` + s + "}"
		}
		if c.spread() {
			s += ` \pm ` + latexNumber(n.std(c.Std))
		}
		if c.Outdated > 0 {
			s += `^{\dagger}`
		}
		s = "$" + s + "$"
	}
	if m := c.incomplete(); m != "" {
		s += " (" + m + ")"
	}
	return s
}

// latexNumber renders a number for math mode.
func latexNumber(s string) string {
	switch s {
	case "nan":
		return `\mathrm{nan}`
	case "inf":
		return `\infty`
	case "-inf":
		return `-\infty`
	}
	if mantissa, exponent, ok := strings.Cut(s, "e"); ok {
		sign := ""
		if strings.HasPrefix(exponent, "-") {
			sign = "-"
		}
		return mantissa + `\times 10^{` + sign + strings.TrimLeft(exponent, "+-0") + "}"
	}
	return s
}

// escapeLaTeX renders text so that it compiles and looks as it was written. A bracket or a star at the beginning of a row
// would be read as an argument of the line end before it, and two hyphens as a dash.
func escapeLaTeX(s string) string {
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "-\x00-")
	}
	return strings.NewReplacer(
		`\`, `\textbackslash{}`, "{", `\{`, "}", `\}`, "&", `\&`, "%", `\%`, "$", `\$`, "#", `\#`, "_", `\_`,
		"~", `\textasciitilde{}`, "^", `\textasciicircum{}`, "<", `\textless{}`, ">", `\textgreater{}`,
		"|", `\textbar{}`, `"`, `\char34{}`, "[", "{[}", "]", "{]}", "*", "{*}", "`", `\char96{}`, "'", `\char39{}`,
		missing, "--", "\x00", "{}").Replace(s)
}
