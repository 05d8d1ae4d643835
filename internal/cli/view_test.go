package cli

import (
	"bytes"
	"strings"
	"testing"

	"runsheet"
	"runsheet/internal/journal"
)

// TestViewNamesTheSheet: what a launcher tells as it goes can be pasted as well.
func TestViewNamesTheSheet(t *testing.T) {
	var out bytes.Buffer
	v := newView(Env{Err: &out}, &runsheet.Sheet{Path: "/p/s.yaml", Typed: "s.yaml"}, false)
	v.Event(journal.Event{Kind: journal.Trouble, Text: "nothing more is launched; `runsheet retry status=failed` has this launcher go on"})
	v.Close()
	if want := "`runsheet retry -s s.yaml status=failed`"; !strings.Contains(out.String(), want) {
		t.Errorf("%q, want %s in it", out.String(), want)
	}
}
