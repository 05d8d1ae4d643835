package diagnose

import (
	"os"
	"strings"
	"testing"

	"runsheet"
)

// TestHydra: the reason is what Hydra says went wrong, and not that there is more to be seen. The texts are Hydra's own.
func TestHydra(t *testing.T) {
	for _, c := range []struct {
		file  string
		kind  runsheet.CauseKind
		text  string
		where string
	}{
		{"raise", runsheet.CauseTraceback, "KeyError: 'sgd'", "train.py:5"},
		{"missing", runsheet.CauseTraceback, "omegaconf.errors.MissingMandatoryValue: Missing mandatory value: needed", "train.py:14"},
		{"locate", runsheet.CauseImport, "Error locating target 'torch.nn.Nothing'", ""},
		{"call", runsheet.CauseTraceback, "Error in call to target 'collections.OrderedDict': TypeError('expected at most 1 arguments, got 3')", ""},
		{"option", runsheet.CauseUsage, "In 'config': Could not find 'db/pg'", ""},
		{"override", runsheet.CauseUsage, "Could not override 'lr'. To append to your config use +lr=0.1", ""},
		{"grammar", runsheet.CauseUsage, "mismatched input '=' expecting <EOF>" + hydraQuotes, ""},
		{"ambiguous", runsheet.CauseUsage, "Ambiguous value for argument 'hydra.run.dir=runs/a,b'" + hydraQuotes, ""},
	} {
		tail, err := os.ReadFile("testdata/hydra/" + c.file + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		want := runsheet.Cause{Kind: c.kind, Text: c.text, Where: c.where}
		if got := Why(exit(1), tail); got != want {
			t.Errorf("%s: %+v, want %+v", c.file, got, want)
		}
		piped := exit(0)
		piped.Incomplete = "0 of 3 epochs"
		want.Text = text("exited 0 at 0 of 3 epochs: " + want.Text)
		if got := Why(piped, tail); got != want {
			t.Errorf("%s, through a pipe: %+v, want %+v", c.file, got, want)
		}
		// What the command says afterwards is the last word, if it says anything that decides.
		if got := Why(exit(1), append(tail, "[W123 Rank 0] bye\n"...)); got.Text != c.text {
			t.Errorf("%s, with a line after it: %q", c.file, got.Text)
		}
	}
	if got := Why(exit(1), []byte(hydraLast+" for a complete stack trace.\n")); strings.Contains(got.Text, "HYDRA") {
		t.Errorf("alone: %q", got.Text)
	}
}
