package runsheet_test

import (
	"testing"

	"runsheet"
)

// TestSameMachine: what one id says alone is not enough, since each can be on two machines.
func TestSameMachine(t *testing.T) {
	whole := runsheet.Machine{ID: "i", Random: "r"}
	for _, c := range []struct {
		name string
		a, b runsheet.Machine
		want bool
	}{
		{"both are equal", whole, whole, true},
		{"clones of one image", whole, runsheet.Machine{ID: "i", Random: "s"}, false},
		{"a home directory was copied to it", whole, runsheet.Machine{ID: "j", Random: "r"}, false},
		{"another machine", whole, runsheet.Machine{ID: "j", Random: "s"}, false},
		{"an older record", whole, runsheet.Machine{}, false},
		{"two older records", runsheet.Machine{}, runsheet.Machine{}, false},
		{"home directories on a network", runsheet.Machine{ID: "i"}, runsheet.Machine{ID: "i"}, false},
		{"one home directory on a network", whole, runsheet.Machine{ID: "i"}, false},
		{"images without a machine id", runsheet.Machine{Random: "r"}, runsheet.Machine{Random: "r"}, false},
		{"one of them without a machine id", whole, runsheet.Machine{Random: "r"}, false},
	} {
		if c.a.Same(c.b) != c.want || c.b.Same(c.a) != c.want {
			t.Errorf("%s: want %t", c.name, c.want)
		}
	}
}
