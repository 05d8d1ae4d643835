package tracker

import (
	"encoding/json"
	"slices"
	"time"

	"runsheet"
)

// pace is when counts were reached: the last few of them. JSON can hold it.
type pace []mark

type mark struct {
	At    time.Time `json:"at"`
	Count int64     `json:"count"`
}

// maxMarks is how many marks are kept.
const maxMarks = 16

// see notes that a count was reached. One that went back, as after a resume, takes the marks above it back.
func (p *pace) see(at time.Time, count int64) {
	marks := *p
	for len(marks) > 0 && (marks[len(marks)-1].Count > count || marks[len(marks)-1].At.After(at)) {
		marks = marks[:len(marks)-1]
	}
	if n := len(marks); n > 0 && marks[n-1].Count == count {
		return
	}
	if marks = append(marks, mark{at, count}); len(marks) > maxMarks {
		marks = slices.Delete(marks, 0, len(marks)-maxMarks)
	}
	*p = marks
}

// tell puts the pace into a progress: the times, and how long a unit took in the median. One mark alone tells no pace:
// nobody knows how many of its units were there before somebody looked.
func (p pace) tell(out *runsheet.Progress) {
	var each []time.Duration
	var times []time.Time
	for i, m := range p {
		times = append(times, m.At)
		if i > 0 && m.At.After(p[i-1].At) {
			each = append(each, m.At.Sub(p[i-1].At)/time.Duration(m.Count-p[i-1].Count))
		}
	}
	out.Recent, out.PerUnit = nil, 0
	if slices.Sort(each); len(each) > 0 {
		out.Recent, out.PerUnit = times, max(each[len(each)/2], 1)
	}
}

// paced tells the pace of a document that is written whole, again and again: by what this reading and those before it found in
// it, and when that was written. What happened between two readings is spread evenly. key tells the ways to count apart.
func (ev *Evidence) paced(rel, key string, p *runsheet.Progress) {
	var marks pace
	if c, ok := ev.cursor(rel, key); ok && json.Unmarshal(c.State, &marks) != nil {
		marks = nil
	}
	st, err := ev.Look(rel)
	if err != nil {
		return
	}
	marks.see(time.Unix(0, min(st.MTime, ev.now().UnixNano())), p.Completed)
	marks.tell(p)
	ev.remember(rel, key, marks)
}
