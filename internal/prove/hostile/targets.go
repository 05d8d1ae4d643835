package hostile

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// module is the first line of our go.mod.
const module = "module runsheet\n"

func isOurs(gomod []byte) bool { return bytes.HasPrefix(gomod, []byte(module)) }

// target is a fuzz target.
type target struct{ dir, name string } // the directory relative to the root, slash-separated

func (t target) String() string { return t.dir + " " + t.name }

// needed are the targets without which the method would not do what it says: one for each format.
func needed() []target {
	return []target{
		{"internal/diagnose", "FuzzCleaner"},          // a log on its way to a terminal
		{"internal/diagnose", "FuzzWhy"},              // the tail of a log
		{"internal/executor/slurm", "FuzzParseQueue"}, // squeue's lines: a reason or a comment may hold anything
		{"internal/host", "FuzzNvidiaSMI"},            // nvidia-smi's CSV
		{"internal/journal", "FuzzParse"},             // the journal
		{"internal/proc", "FuzzStat"},                 // /proc/PID/stat: a process chooses its name
		{"internal/progress", "FuzzCache"},            // .runsheet/progress.json
		{"internal/record", "FuzzRecords"},            // claim, start, end, request
		{"internal/sheet", "FuzzParse"},               // the sheet
		{"internal/tracker", "FuzzCSVTable"},          // any table
		{"internal/tracker", "FuzzCatBoost"},          // catboost_training.json
		{"internal/tracker", "FuzzDocument"},          // progress.json of the training code
		{"internal/tracker", "FuzzKerasCSV"},          // the table of Keras' CSVLogger
		{"internal/tracker", "FuzzLightning"},         // metrics.csv and names of checkpoints of Lightning
		{"internal/tracker", "FuzzLlamaFactory"},      // trainer_log.jsonl
		{"internal/tracker", "FuzzLogLines"},          // the lines of a log
		{"internal/tracker", "FuzzMLflow"},            // meta.yaml, metrics, parameters of MLflow
		{"internal/tracker", "FuzzOpenMMLab"},         // rows, logs, configurations of MMEngine, mmcv, Detectron2
		{"internal/tracker", "FuzzRepr"},              // config.json of the training code
		{"internal/tracker", "FuzzSB3"},               // progress.csv and monitor.csv of stable-baselines3
		{"internal/tracker", "FuzzScores"},            // scores
		{"internal/tracker", "FuzzTensorBoard"},       // a directory of event files
		{"internal/tracker", "FuzzTimmTotal"},         // args.yaml of timm
		{"internal/tracker", "FuzzTorchtune"},         // configuration and log of torchtune
		{"internal/tracker", "FuzzTrainerState"},      // trainer_state.json
		{"internal/tracker", "FuzzWandB"},             // a run of W&B
		{"internal/tracker", "FuzzYAMLKeys"},          // YAML that Python wrote
		{"internal/tracker", "FuzzYOLO"},              // results.csv of Ultralytics and YOLOv5
		{"internal/tracker/tfevents", "FuzzEvents"},   // event files
		{"internal/tracker/wandblog", "FuzzLog"},      // the log of W&B
	}
}

var fuzzFunc = regexp.MustCompile(`(?m)^func (Fuzz[A-Z]\w*)\(\w+ \*testing\.F\)`)

// discover returns the fuzz targets in the tree, in order.
func discover(root string) ([]target, error) {
	var all []target
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); path != root && (n == "testdata" || strings.HasPrefix(n, ".") || strings.HasPrefix(n, "_")) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(d.Name(), "_test.go") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, m := range fuzzFunc.FindAllSubmatch(data, -1) {
			all = append(all, target{filepath.ToSlash(rel), string(m[1])})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, t := range needed() {
		if !slices.Contains(all, t) {
			return nil, fmt.Errorf("the fuzz target %s is missing", t)
		}
	}
	slices.SortFunc(all, func(a, b target) int { return strings.Compare(a.String(), b.String()) })
	return all, nil
}
