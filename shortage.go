package runsheet

// Shortage is what must be there before anything is launched for a run, whatever the host, and is not: it is nobody's fault,
// and it passes. The zero value says that nothing is short.
type Shortage struct {
	What string // as "room in /data": the same for all runs that wait for it
	Why  string // how it stands, in words
}

// String says what is waited for, and how it stands.
func (s Shortage) String() string { return s.What + after(s.Why) }
