package tracker

import (
	"encoding/json"
	"time"
)

// recall takes over what the last reading made of a file that is written whole, and says whether it could: the file is
// still the one that it was.
func recall[S any](ev *Evidence, rel, key string, s *S) bool {
	c, ok := ev.cursor(rel, key)
	if !ok {
		return false
	}
	st, err := ev.Look(rel)
	if err != nil || c.Stamp != st || !c.Settled || json.Unmarshal(c.State, s) != nil {
		return false
	}
	ev.keep(c)
	return true
}

// remember keeps what was made of a file for the next reading. It must have been looked at before it was read.
func (ev *Evidence) remember(rel, key string, s any) {
	st, err := ev.Look(rel)
	if state, jerr := json.Marshal(s); err == nil && jerr == nil {
		settled := ev.now().Sub(time.Unix(0, st.Newest())) > patience
		ev.keep(Cursor{Path: rel, Key: key, Stamp: st, Settled: settled, State: state})
	}
}
