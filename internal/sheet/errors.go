package sheet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxErrors is how many problems of one sheet are told; the rest is counted.
const maxErrors = 30

// Error is one problem of a sheet.
type Error struct {
	What   string // what is wrong, in a few words: "unknown key"
	File   string // as the caller named it; empty for a command line
	Line   int    // from 1; 0: the file as a whole
	Column int    // from 1, in characters
	Msg    string // why
	Tip    string // what to do; may be empty
	Err    error  // the cause, where another package found it; may be nil
}

// Error renders the problem in one line, without the hint.
func (e *Error) Error() string {
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
	}
	if where == "" {
		return e.What + ": " + e.Msg
	}
	return e.What + ": " + where + ": " + e.Msg
}

// Hint says what the person who wrote the sheet should do, or "".
func (e *Error) Hint() string { return e.Tip }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errors are the problems of one sheet, in the order of its lines. Load returns no other type.
type Errors []*Error

// Error renders one problem a line, each followed by its hint.
func (e Errors) Error() string {
	var lines []string
	for _, p := range e {
		lines = append(lines, p.Error())
		if p.Tip != "" {
			lines = append(lines, "hint: "+p.Tip)
		}
	}
	return strings.Join(lines, "\n")
}

// Hint returns "": the text has the hints already, each with its problem, and whoever prints a hint after an error
// would repeat one.
func (e Errors) Hint() string { return "" }

// Unwrap returns the problems, for errors.Is and errors.As.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, p := range e {
		all[i] = p
	}
	return all
}

// problems collects what is wrong.
type problems struct {
	list Errors
	seen map[string]bool
}

// position is a place in a file.
type position struct {
	file         string
	line, column int
}

// add notes a problem once: many runs can have the same one.
func (p *problems) add(at position, what, msg, tip string) {
	e := &Error{What: what, File: at.file, Line: at.line, Column: at.column, Msg: msg, Tip: tip}
	if p.seen == nil {
		p.seen = make(map[string]bool)
	}
	if key := e.Error(); !p.seen[key] {
		p.seen[key] = true
		p.list = append(p.list, e)
	}
}

// many says whether more problems would help nobody.
func (p *problems) many() bool { return len(p.list) > maxErrors }

// err returns the problems, or nil.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if p.many() {
		rest := p.list[maxErrors:]
		p.list = append(p.list[:maxErrors:maxErrors], &Error{What: "read the sheet", File: rest[0].File,
			Msg: "there is more that is wrong", Tip: "mend these first"})
	}
	return p.list
}
