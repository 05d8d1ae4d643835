package evidence

import (
	"fmt"
	"strings"

	"runsheet"
)

// lines is a file that grows line by line, as a tracker knows it.
type lines struct {
	name  string
	spec  runsheet.ProgressSpec
	setup []step
	file  string
	head  string
	row   func(n int) string // of the n-th unit, with the end of the line
	count func(n int) int64  // how much is done once that row is there; nil: n
	cut   int                // bytes of a row that are left where a kill cut it; 0: one
}

func (l lines) rows(from, to int) string {
	var b strings.Builder
	for n := from; n <= to; n++ {
		b.WriteString(l.row(n))
	}
	return b.String()
}

func (l lines) reached(n int) int64 {
	if l.count != nil {
		return l.count(n)
	}
	return int64(n)
}

// script returns a script in which the file is written in a way. Rows from 10 on are all equally long.
func (l lines) script(way string, setup []step, steps ...step) script {
	return script{name: l.name + ", " + way, spec: l.spec, setup: append(append([]step{}, l.setup...), setup...), steps: steps}.counted()
}

// scripts returns the ways in which such a file is written.
func (l lines) scripts() []script {
	f := l.file
	until := func(from, to int) []step { return []step{stands(f, l.head+l.rows(from, to)).reaching(l.reached(to))} }
	add := func(from, to int) step {
		return adds(fmt.Sprintf("append %d to %d", from, to), f, l.rows(from, to)).reaching(l.reached(to))
	}
	half := func(n int) (step, step) {
		row := l.row(n)
		at := len(row) / 2
		return adds(fmt.Sprintf("append half of %d", n), f, row[:at]), adds(fmt.Sprintf("append the rest of %d", n), f, row[at:]).reaching(l.reached(n))
	}
	first, rest := half(13)
	whole := l.head + l.rows(30, 39)
	middle := len(l.head) + len(l.rows(30, 34)) + 3
	cut := max(l.cut, 1)
	return []script{
		l.script("appended", []step{stands(strings.TrimSuffix(f, base(f))+".keep", "")},
			adds("the head", f, l.head), add(10, 10), add(11, 12), first, rest, add(14, 14)),
		l.script("rewritten in place", until(10, 19),
			pokes("rewrite in place", f, whole, 0).reaching(l.reached(39)),
			pokes("rewrite the beginning in place", f, l.head+l.rows(50, 54), 0).reaching(l.reached(54)),
			pokes("rewrite the rest in place", f, l.rows(55, 59), int64(len(l.head+l.rows(50, 54)))).reaching(l.reached(59)),
			pokes("rewrite in place, and longer by an end of a line", f, l.head+l.rows(70, 79)+"\n", 0).reaching(l.reached(79)), add(80, 80)),
		l.script("open('w')", until(10, 19),
			opens(f), adds("write the beginning", f, whole[:middle]).reaching(l.reached(34)), adds("write the rest", f, whole[middle:]).reaching(l.reached(39)),
			opens(f), adds("write all at once", f, l.head+l.rows(40, 45)).reaching(l.reached(45)), add(46, 46)),
		l.script("renamed over", until(10, 19),
			replaces("rename one of the same size over it", f, whole).reaching(l.reached(39)),
			replaces("rename a shorter one over it", f, l.head+l.rows(50, 52)).reaching(l.reached(52)), add(53, 53)),
		l.script("with a hole", until(10, 14), add(15, 15), grows(f, 9), ends(killed), add(14, 14), add(15, 16)),
		l.script("cut and resumed", until(10, 14), add(15, 15), adds("append the beginning of 16", f, l.row(16)[:cut]), ends(killed), add(13, 13), add(14, 15), add(16, 17)),
		l.script("ended without an end of the line", until(10, 14), add(15, 15),
			adds("append 16 but its end", f, strings.TrimRight(l.row(16), "\r\n")).reaching(l.reached(16)), ends(exited), add(13, 13), add(14, 15)),
	}
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
