package tracker_test

import (
	"path/filepath"
	"testing"
	"time"

	"runsheet"
)

func TestNerfstudio(t *testing.T) {
	checkCases(t, []tcase{
		{dir: "nerfstudio/start", want: "nerfstudio 0/30000 step"},
		{dir: "nerfstudio/middle", want: "nerfstudio 4000/30000 step"},
		{dir: "nerfstudio/end", want: "nerfstudio 30000/30000 step"},
	})
	checkTold(t, []tcase{
		{dir: "nerfstudio/middle", spec: runsheet.ProgressSpec{Tracker: "nerfstudio", Total: 40000, Unit: "iteration"}, want: "nerfstudio 4000/40000 iteration"},
		{dir: "nerfstudio/middle", spec: runsheet.ProgressSpec{Epochs: true, Total: 4},
			want: "error: nerfstudio counts steps only; give `total` instead of `epochs` in the sheet"},
		{dir: "reported/lines", spec: runsheet.ProgressSpec{Tracker: "nerfstudio"}, want: "nerfstudio 0/? step"},
	})
}

// TestNerfstudioFiles holds that a checkpoint that is cut does not count, and which launch does.
func TestNerfstudioFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) { write(t, filepath.Join(dir, name), text, time.Now().Add(-time.Hour)) }
	look := func(want string) {
		t.Helper()
		if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != want {
			t.Errorf("told  %s\nwant  %s", got, want)
		}
	}
	const whole = "PK\x03\x04....PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00"
	const first, second = "outputs/a/splatfacto/2026-01-02_030405/", "outputs/b/nerfacto/2026-01-02_040405/"
	file("outputs/2026-01-02/03-04-05/.hydra/config.yaml", "x: 1\n") // Hydra's
	file("outputs/a/splatfacto/notes/config.yml", "!!python/object:nerfstudio.engine.trainer.TrainerConfig\n")
	look("0/?")
	file(first+"nerfstudio_models/step-000000999.ckpt", whole[:20])
	look("nerfstudio 0/? step")
	file(first+"nerfstudio_models/step-000000999.ckpt", whole)
	look("nerfstudio 1000/? step")
	file(first+"nerfstudio_models/step-000001999.ckpt", "P")
	look("nerfstudio 1000/? step")
	file(first+"nerfstudio_models/step-000001999.ckpt", "\x80\x02 of an older torch")
	look("nerfstudio 2000/? step")
	file(second+"config.yml", "!!python/object:nerfstudio.engine.trainer.TrainerConfig\nload_dir: null\nmax_num_iterations: 5000\n")
	look("nerfstudio 0/5000 step")
	file(second+"config.yml", "!!python/object:nerfstudio.engine.trainer.TrainerConfig\nload_dir: !!python/object/apply:pathlib.PosixPath\n- a\nmax_num_iterations: 5000\n")
	look("nerfstudio 2000/5000 step")
}
