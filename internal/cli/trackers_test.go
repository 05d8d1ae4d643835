package cli_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"runsheet/internal/sheet"
	"runsheet/internal/tracker"
)

// TestTrackersOfSheets holds that a sheet may name just the trackers that there are (sheet may not import tracker), and
// that docs/trackers.md tells of each.
func TestTrackersOfSheets(t *testing.T) {
	var schema struct {
		Properties struct {
			Progress struct {
				Properties struct {
					Tracker struct{ Enum []string }
				}
			}
		}
	}
	data, err := sheet.Schema()
	if err == nil {
		err = json.Unmarshal(data, &schema)
	}
	if err != nil {
		t.Fatal(err)
	}
	named, there := schema.Properties.Progress.Properties.Tracker.Enum, tracker.Names()
	slices.Sort(named)
	slices.Sort(there)
	if !slices.Equal(named, there) {
		t.Errorf("a sheet may name  %q\nthere are         %q", named, there)
	}
	page, err := os.ReadFile("../../docs/trackers.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range there {
		if !regexp.MustCompile("[`: ]" + name + "[`,} ]").MatchString(strings.ReplaceAll(string(page), "\n", " ")) {
			t.Errorf("docs/trackers.md does not tell of the tracker %s", name)
		}
	}
}
