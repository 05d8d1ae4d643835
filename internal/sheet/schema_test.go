package sheet

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v4"
)

func resolved(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// validate says what the schema says to a sheet, as an editor would read it.
func validate(t *testing.T, schema *jsonschema.Resolved, text []byte) error {
	t.Helper()
	var v any
	if err := yaml.Load(text, &v); err != nil {
		return err
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var plain any
	if err := json.Unmarshal(data, &plain); err != nil {
		return err
	}
	return schema.Validate(plain)
}

func TestSchemaTakesExamples(t *testing.T) {
	schema := resolved(t)
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(t, schema, data); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		load(t, f)
	}
}

// What the schema refuses, Load refuses; and of the broken sheets the schema refuses all that a schema can.
func TestSchemaRefusesBroken(t *testing.T) {
	schema := resolved(t)
	needsLoad := []string{ // what only Load can see
		"undefined", "work_dir in itself", "resume", "config without", "in quotes", "quote", "huge range", "stepped range", "too many", "exclude axis",
		"exclude nothing", "exclude all", "include twice", "runs twice", "param twice", "shared", "nested", "sheet in", "work dir above", "state dir",
		"long name", "repeat", "no configs", "bad pattern", "no commands", "octal", "zero", "files", "log", "placeholder in env", "secret in env",
		"run without", "an entry", "slurm twice", "slurm option of ours", "slurm short option", "slurm option in two", "pool twice", "exclude in matrix", "reserved", "merge", "tag", "name", "comment only",
	}
	for _, c := range broken {
		text := []byte(strings.Replace(c.text, "§", "", 1))
		refused := validate(t, schema, text) != nil
		only := slices.ContainsFunc(needsLoad, func(s string) bool { return strings.HasPrefix(c.name, s) })
		if !refused && !only {
			t.Errorf("%s: the schema takes it", c.name)
		}
	}
	for _, text := range []string{"command: a\nnope: 1\n", "command: a\npolicy: {jobs: two}\n", "name: x\n", "command: a\npool: [{ssh: x}]\n",
		"command: a\nmatrix: {a: [[1]]}\n", "command: a\nresources: {memory: lots}\n", "command: a\nruns: [{a: [1]}]\n", "command: a\nversion: 2\n"} {
		if validate(t, schema, []byte(text)) == nil {
			t.Errorf("the schema takes %q", text)
		}
	}
}

// The schema knows every key that Load knows, and no other.
func TestSchemaKeys(t *testing.T) {
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	type node struct {
		Properties map[string]node `json:"properties"`
	}
	var root node
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	progress := root.Properties["progress"]
	for name, c := range map[string]struct {
		at   node
		keys []string
	}{
		"sheet": {root, sheetKeys}, "policy": {root.Properties["policy"], policyKeys}, "resources": {root.Properties["resources"], resourceKeys},
		"progress": {progress, progressKeys}, "early_stopping": {progress.Properties["early_stopping"], earlyKeys},
	} {
		var got []string
		for k := range c.at.Properties {
			got = append(got, k)
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(c.keys))
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
