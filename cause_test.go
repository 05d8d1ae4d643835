package runsheet

import "testing"

func TestCauseRepeats(t *testing.T) {
	key := Cause{Kind: CauseTraceback, Text: "KeyError: 'a'", Where: "t.py:3"}
	object := func(address string) Cause {
		return Cause{Kind: CauseTraceback, Text: "TypeError: <Model object at " + address + "> is not callable", Where: "t.py:3"}
	}
	for _, c := range []struct {
		name          string
		before, cause Cause
		want          bool
	}{
		{"the same", key, key, true},
		{"another line", key, Cause{Kind: key.Kind, Text: key.Text, Where: "t.py:4"}, false},
		{"other words", key, Cause{Kind: key.Kind, Text: "KeyError: 'b'", Where: key.Where}, false},
		{"other numbers", Cause{Kind: CauseNaN, Text: "loss is nan in step 3", Where: "t.py:3"}, Cause{Kind: CauseNaN, Text: "loss is nan in step 7", Where: "t.py:3"}, false},
		{"another address", object("0x7f3a12bc4d90"), object("0x7ffee0bc4d90"), true},
		{"no line", Cause{Kind: key.Kind, Text: key.Text}, Cause{Kind: key.Kind, Text: key.Text}, false},
		{"nothing before", Cause{}, key, false},
	} {
		if got := c.cause.Repeats(c.before); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
