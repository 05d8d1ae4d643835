package tracker

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestYAMLKeys(t *testing.T) {
	for _, c := range []struct {
		name, text string
		keys       []string
		want       map[string]string
	}{
		{"plain", "task: detect\nepochs: 100\ntime: null\nlr0: 1e-3\n", []string{"epochs", "time", "lr0", "batch"},
			map[string]string{"epochs": "100", "time": "null", "lr0": "1e-3"}},
		{"the last one counts", "epochs: 1\nepochs: 2\n", []string{"epochs"}, map[string]string{"epochs": "2"}},
		{"cut", "a: 1\nepochs: 10", []string{"a", "epochs"}, map[string]string{"a": "1"}},
		{"windows, comments, blanks", "\ufeff# made by\r\n---\r\nepochs: 7   # of them\r\n\r\nb:\t8\r\n", []string{"epochs", "b"},
			map[string]string{"epochs": "7", "b": "8"}},
		{"quotes", "a: '1'\nb: \"2\\t3\"\n'c': it's\n\"d\": 'it''s # one'\n", []string{"a", "b", "c", "d"},
			map[string]string{"a": "1", "b": "2\t3", "c": "it's", "d": "it's # one"}},
		{"only the top", "early:\n  epochs: 5\nepochs: 9\nx:\n- epochs: 3\n  epochs: 4\n", []string{"epochs", "early.epochs", "x.epochs"},
			map[string]string{"epochs": "9", "early.epochs": "5"}},
		{"nested", "trainer:\n  accelerator: auto\n  callbacks:\n  - class_path: a.b\n    init_args:\n      max_epochs: 3\n  max_epochs: 20\nmodel:\n  max_epochs: 4\n",
			[]string{"trainer.max_epochs", "max_epochs", "trainer.callbacks.max_epochs"}, map[string]string{"trainer.max_epochs": "20"}},
		{"tags", "!!python/object:nerfstudio.engine.trainer.TrainerConfig\n_target: &id002 !!python/name:nerfstudio.engine.trainer.Trainer ''\n" +
			"data: &id001 !!python/object/apply:pathlib.PosixPath\n- data\n- nerf\nmax_num_iterations: !!int 30000\npipeline: !!python/object:p.C\n  max_num_iterations: 1\n",
			[]string{"max_num_iterations", "_target", "pipeline.max_num_iterations"},
			map[string]string{"max_num_iterations": "30000", "_target": "", "pipeline.max_num_iterations": "1"}},
		{"texts", "note: |\n  epochs: 1\n\n  max: 2\ndoc: \"a long\n  epochs: 3\"\nflow: {epochs: 4}\nepochs: 5\n", []string{"epochs", "note.epochs", "doc.epochs", "flow", "flow.epochs"},
			map[string]string{"epochs": "5"}},
		{"no keys", "http://x\na:b\n: 3\n- a: 1\n? a: 2\n\"x\n", []string{"", "a", "http", "- a"}, map[string]string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, yamlKeys([]byte(c.text), c.keys...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzYAMLKeys(f *testing.F) {
	f.Add([]byte("a: 1\nb:\n  c: !!int 2\n- d: 3\n'e': \"f\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for k, v := range yamlKeys(data, "a", "b.c", "d") {
			if len(k)+len(v) > 3*len(data)+8 { // a byte that is no UTF-8 becomes three
				t.Errorf("%q: %q", k, v)
			}
		}
	})
}
