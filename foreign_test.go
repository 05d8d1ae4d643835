package runsheet

import (
	"strings"
	"testing"
)

func TestForeign(t *testing.T) {
	for _, c := range []struct{ sheet, shown, name, other, reason, hint string }{
		{"/p/cnn.yaml", "runs/x=1", "x=1", "/p/mlp.yaml", "its work dir holds attempts of another sheet, mlp.yaml, made by another command",
			"add `work_dir: runs/cnn/{name}` to cnn.yaml"},
		{"/p/cnn.yaml", "runs/x=1", "x=1", "/q/cnn.yaml", "another sheet, /q/cnn.yaml, made", "add `work_dir: runs/cnn/{name}` to cnn.yaml"},
		{"/p/cnn.yaml", "/scratch/1", "x=1", "/p/old/mlp.yaml", "another sheet, old/mlp.yaml,", "change work_dir in cnn.yaml, as in `work_dir: runs/cnn/{name}`"},
		{"/p/my {new}: sheet.yml", "runs/x=1", "x=1", "/p/mlp.yaml", "mlp.yaml", "add `work_dir: runs/my__new___sheet/{name}` to my {new}: sheet.yml"},
		{"/p/.runsheet/inline-1.yaml", "runs/x=1", "x=1", "/p/.runsheet/inline-2.yaml", "another sheet, inline-2.yaml, made", "in a directory of its own; or, if it is to take the place of the other one, remove /p/.runsheet/inline-2.yaml"},
		{"/p/cnn.yaml", "runs/x=1", "x=1", "/p/.runsheet/inline-2.yaml", "another sheet, .runsheet/inline-2.yaml, made", "remove /p/.runsheet/inline-2.yaml"},
	} {
		run, claim := Run{Sheet: c.sheet, Shown: c.shown, Name: c.name}, Claim{Sheet: c.other}
		if got := ForeignReason(run, claim); !strings.Contains(got, c.reason) {
			t.Errorf("%s: %s", c.sheet, got)
		}
		if got := ForeignHint(run, claim); !strings.HasSuffix(got, c.hint) {
			t.Errorf("%s: %s", c.sheet, got)
		}
	}
}
