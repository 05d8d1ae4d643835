package observe_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/observe"
)

// TestFindElsewhere holds what is taken for a framework's metrics beside the work dirs: what it leaves by default, written
// since the first run began; never the work dirs themselves.
func TestFindElsewhere(t *testing.T) {
	for name, c := range map[string]struct {
		files []string // "old" files are from before the runs
		cwd   string
		want  string // framework and what was seen
	}{
		"nothing":                        {files: []string{"train.py", "data/x.csv"}},
		"Lightning":                      {files: []string{"lightning_logs/version_3/metrics.csv"}, want: "Lightning lightning_logs cwd"},
		"of long ago":                    {files: []string{"old/lightning_logs/version_3/metrics.csv"}},
		"TensorBoard, among work dirs":   {files: []string{"runs/Jan01_host/events.out.tfevents.1", "runs/x=1/epoch"}, want: "TensorBoard runs/Jan01_host cwd"},
		"the work dirs alone":            {files: []string{"runs/x=1/events.out.tfevents.1"}},
		"MLflow":                         {files: []string{"mlruns/0/abc/meta.yaml"}, want: "MLflow mlruns cwd"},
		"MLflow's database":              {files: []string{"mlflow.db"}, want: "MLflow mlflow.db"},
		"W&B":                            {files: []string{"wandb/run-1/files/x"}, want: "W&B wandb cwd"},
		"CatBoost":                       {files: []string{"catboost_info/time_left.tsv"}, want: "CatBoost catboost_info cwd"},
		"Hydra":                          {files: []string{"outputs/2026-01-02/03-04-05/.hydra/config.yaml"}, want: "Hydra outputs/2026-01-02/03-04-05 cwd"},
		"where the command ran":          {cwd: "code", files: []string{"code/wandb/run-1/x", "mlflow.db"}, want: "W&B code/wandb cwd"},
		"where the command ran, its own": {cwd: "runs/x=1", files: []string{"runs/x=1/wandb/run-1/x", "mlflow.db"}},
	} {
		t.Run(strings.ReplaceAll(name, "/", ""), func(t *testing.T) {
			dir, began := t.TempDir(), time.Now()
			for _, f := range c.files {
				rel, old := strings.CutPrefix(f, "old/")
				at := filepath.Join(dir, rel)
				if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(at, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				for p := at; old && p != dir; p = filepath.Dir(p) {
					os.Chtimes(p, began.Add(-time.Hour), began.Add(-time.Hour))
				}
			}
			run := runsheet.Run{WorkDir: filepath.Join(dir, "runs/x=1")}
			var got []string
			for _, e := range observe.FindElsewhere(t.Context(), durable.OS(), []runsheet.Observed{{Run: &run, Facts: runsheet.Facts{
				Claim: &runsheet.Claim{Dir: filepath.Join(dir, c.cwd), Command: "python train.py"}, Start: &runsheet.Start{At: began}}}}) {
				rel, _ := filepath.Rel(dir, e.Seen)
				text := e.Framework + " " + rel
				if e.Cwd {
					text += " cwd"
				}
				got = append(got, text)
			}
			if text := strings.Join(got, ", "); text != c.want {
				t.Errorf("%q, want %q", text, c.want)
			}
		})
	}
}
