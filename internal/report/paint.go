package report

import (
	"runsheet"

	"github.com/charmbracelet/x/ansi"
)

// Paint is one of the few colours that text is shown in. They are the terminal's own sixteen, so that they suit a light
// as well as a dark background.
type Paint int

// The paints.
const (
	Plain Paint = iota
	Bold
	Faint
	Red
	Green
	Yellow
	Blue
	Magenta
)

// Style is how a table is shown.
type Style struct {
	Width  int  // columns of the terminal; 0: not a terminal: nothing is cut and no bars are drawn
	Colour bool // show colours; the caller knows about NO_COLOR
	Rows   int  // at most so many runs are shown, those first of which there is most to say; 0: all
}

// Paint puts s in a colour, where the style has colours.
func (st Style) Paint(p Paint, s string) string {
	if !st.Colour {
		return s
	}
	var style ansi.Style
	switch p {
	case Bold:
		style = style.Bold()
	case Faint:
		style = style.Faint()
	case Red:
		style = style.ForegroundColor(ansi.Red)
	case Green:
		style = style.ForegroundColor(ansi.Green)
	case Yellow:
		style = style.ForegroundColor(ansi.Yellow)
	case Blue:
		style = style.ForegroundColor(ansi.Blue)
	case Magenta:
		style = style.ForegroundColor(ansi.Magenta)
	default:
		return s
	}
	return style.Styled(s)
}

// Of returns the paint of a status.
func Of(s runsheet.Status) Paint {
	switch s {
	case runsheet.Running:
		return Blue
	case runsheet.Finished:
		return Green
	case runsheet.Failed:
		return Red
	case runsheet.Stuck, runsheet.Outdated:
		return Yellow
	case runsheet.Unknown:
		return Magenta
	}
	return Faint
}
