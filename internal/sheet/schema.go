package sheet

import (
	"encoding/json"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schema returns the JSON Schema (draft 2020-12) of sheets, for editors and other tools. What it allows is what Load
// takes, as far as a schema can tell: whether placeholders are defined, or work dirs differ, only Load knows.
func Schema() ([]byte, error) {
	duration := text("a time like 90s, 10m, 24h, 120d or 1h30m", durationForm.String())
	size := text("a size like 512MiB or 12GB", `^\d+(\.\d+)? ?([kKmMgGtT][iI]?)?[bB]$`)
	command := text("the shell command of a run; {name} stands for a parameter, {work_dir}, {resume}, {name}, {sheet_dir} or {config}", `\S`)
	workDir := text("where a run works, relative to the sheet's directory; runs/{name} if left out", `^[^~$][^$]*$`)
	parameter := text("the name of a parameter", `^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)
	parameter.Not = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Enum: anys(reservedNames)}, {Pattern: `^config\.`},
	}}
	parameter.Description = ""
	value := scalarSchema("a value, kept exactly as it is typed, or a range like 0..2")
	values := &jsonschema.Schema{AnyOf: []*jsonschema.Schema{value, list("values", value, 1)}}
	combination := mapping("parameters and their values", values, parameter)
	combination.MinProperties = jsonschema.Ptr(1)
	excluded := mapping("", values, nil)
	excluded.MinProperties = jsonschema.Ptr(1)
	variable := &jsonschema.Schema{Pattern: variableName.String(), Not: &jsonschema.Schema{Pattern: "^RUNSHEET_"}}
	mode := &jsonschema.Schema{Enum: []any{"max", "min"}, Description: "the direction in which the metric improves"}
	metrics := mapping("metrics and the direction in which each improves", &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		mode, object("", map[string]*jsonschema.Schema{"mode": mode}, "mode"),
	}}, nil)
	metrics.MinProperties = jsonschema.Ptr(1)

	progress := object("how progress is read from what a run leaves behind", map[string]*jsonschema.Schema{
		"tracker": {Enum: anys(trackers), Description: "auto if left out"},
		"epochs":  integer("how many epochs make a run complete", 1),
		"total": {AnyOf: []*jsonschema.Schema{integer("the same for other units", 1),
			text("or the column, key or path that holds it, for the trackers csv, jsonl and json", `^[^0-9]`)}},
		"unit":  text("what total counts", ""),
		"files": list("what a complete epoch holds; for the tracker files what is counted, as patterns", text("", ""), 0),
		"file":  text("the file that the trackers regex, csv, jsonl and json read: a pattern below the work dir", ""),
		"pattern": {AnyOf: []*jsonschema.Schema{text("a regular expression with a group (?P<completed>...); also total, other groups are metrics", ""),
			list("several of them", text("", ""), 1)}},
		"step":    text("the column, key or path that holds the count", ""),
		"first":   {Enum: []any{0, 1}, Description: "0 where the first unit has the number 0 in step"},
		"metrics": list("the columns, keys or paths that are metrics; all numbers if left out", text("", ""), 0),
		"command": text("prints the progress as JSON; the tracker command has it run every ten seconds while an attempt lives", ""),
		"log":     text("files below the work dir whose changes are signs of life", ""),
		"early_stopping": object("the rule by which the training stops early", map[string]*jsonschema.Schema{
			"patience": integer("epochs without a better one", 1), "metrics": metrics,
		}, "patience", "metrics"),
	})
	progress.Not = &jsonschema.Schema{Required: []string{"epochs", "total"}}
	resources := object("what one attempt asks of its host", map[string]*jsonschema.Schema{
		"gpus": integer("GPUs, each to itself", 0), "cpus": integer("cores", 0), "memory": size, "gpu_memory": size,
		"time": text("how long an attempt may run, like 90s, 4h or 1d12h; then it is ended, and resumed without using up a retry if it came further", durationForm.String()),
	})
	policy := object("how the launcher behaves", map[string]*jsonschema.Schema{
		"jobs": integer("attempts at once on this machine", 1), "retries": integer("further attempts after a failure", 0),
		"backoff": duration, "activity_window": duration, "stuck_after": orWord(duration, "auto"),
		"on_stuck": {Enum: []any{"restart", "leave"}}, "outdated_after": orWord(duration, "never"),
		"outdated_before": text("a date like 2026-01-31", `^\d{4}-\d{2}-\d{2}`), "rerun_outdated": {Type: "boolean"},
		"stop_grace": duration, "host_lost_after": orWord(duration, "never"),
		"min_free": {AnyOf: []*jsonschema.Schema{size, {Enum: []any{0, "0"}}}, Description: "what must be free on a run's file system for it to be launched; 1GiB if left out, 0 for no such limit"},
	})
	params := mapping("parameters", value, parameter)
	entryName := text("what runs call the entry, in place of its partition or kind", `^[^-\s]\S*$`)
	run := &jsonschema.Schema{
		Type: "object", Description: "one run: its parameters, and what is its own",
		Properties: map[string]*jsonschema.Schema{
			"command": command, "work_dir": workDir, "progress": progress, "resources": resources, "params": params,
			"pool": {AnyOf: []*jsonschema.Schema{list("the entries of the pool that it may use, by their names, or else their partitions or kinds", text("", ""), 1), value}},
		},
		AdditionalProperties: value,
	}
	pool := list("where attempts run; this machine if left out", &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Enum: []any{"local", "slurm"}},
		poolEntry("local", map[string]*jsonschema.Schema{
			"name": entryName,
			"gpus": list("indices of the GPUs that may be used", integer("", 0), 0),
			"jobs": integer("attempts at once; policy.jobs if left out", 1),
		}),
		poolEntry("slurm", map[string]*jsonschema.Schema{
			"name": entryName, "partition": text("the partition", `^[^-\s]\S*$`), "time": duration,
			"gres":       text("stands for --gres in place of the runs' number of GPUs, as gpu:a100:1", `^[^-\s]\S*$`),
			"max_queued": integer("attempts of ours in the queue at once, those that run included; 1000 if left out", 1),
			"options":    list("further options of sbatch, one argument each, as --account=lab", text("", "^-"), 0),
		})}}, 1)

	root := object("experiments: what is run, and how", map[string]*jsonschema.Schema{
		"version": {Enum: []any{1}}, "name": text("the sheet's name; its file's if left out", `\S`),
		"setup":    scalarSchema("run once a launch, before the first start, on the machine where `runsheet run` is typed: on a cluster the login node, never the nodes"),
		"activate": text("run before each command, in the same shell, on the host of the command, as source venv/bin/activate; placeholders as in command", `\S`),
		"command":  command, "resume": scalarSchema("what {resume} stands for once there is progress"), "work_dir": workDir,
		"matrix":   mapping("axes; every value of each is combined with every value of the others", values, parameter),
		"include":  list("combinations to add; axes left out have all their values", combination, 0),
		"exclude":  list("combinations to take away", excluded, 0),
		"configs":  {AnyOf: []*jsonschema.Schema{text("", ""), list("", text("", ""), 1)}, Description: "files, one run each: {config}, {config.dir}, {config.stem}, {config.rel}"},
		"runs":     list("runs, one by one", run, 0),
		"commands": text("a file with one command a line", ""), "repeat": text("the axis that results are averaged over", ""),
		"progress": progress, "metrics": metrics, "env": mapping("added to the environment of every command", scalarSchema(""), variable),
		"secrets":   list("names of environment variables that are passed on and never written down", &jsonschema.Schema{Type: "string", Pattern: variable.Pattern, Not: variable.Not}, 0),
		"resources": resources, "policy": policy, "pool": pool,
	})
	root.PropertyOrder = sheetKeys
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "runsheet.yaml"
	root.AnyOf = []*jsonschema.Schema{{Required: []string{"command"}}, {Required: []string{"commands"}}, {Required: []string{"runs"}}}
	root.Not = &jsonschema.Schema{Required: []string{"commands"}, AnyOf: []*jsonschema.Schema{{Required: []string{"command"}}, {Required: []string{"configs"}}}}
	return json.MarshalIndent(root, "", "  ")
}

func text(description, pattern string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Description: description, Pattern: pattern}
}

// scalarSchema is any scalar: what looks like a number is a text all the same.
func scalarSchema(description string) *jsonschema.Schema {
	return &jsonschema.Schema{Types: []string{"string", "number", "boolean"}, Description: description}
}

func integer(description string, least float64) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "integer", Description: description, Minimum: &least}
}

func list(description string, items *jsonschema.Schema, least int) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "array", Description: description, Items: items}
	if least > 0 {
		s.MinItems = &least
	}
	return s
}

// mapping is an object whose keys the user chooses.
func mapping(description string, values, names *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", Description: description, AdditionalProperties: values, PropertyNames: names}
}

// object has these keys and no others.
func object(description string, properties map[string]*jsonschema.Schema, required ...string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", Description: description, Properties: properties, Required: required,
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}}}
}

func orWord(s *jsonschema.Schema, word string) *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, {Enum: []any{word}}}}
}

func anys(words []string) []any {
	all := make([]any, len(words))
	for i, w := range words {
		all[i] = w
	}
	return all
}

// poolEntry is an entry of the pool as a mapping with the kind of host as its one key.
func poolEntry(kind string, keys map[string]*jsonschema.Schema) *jsonschema.Schema {
	return object("", map[string]*jsonschema.Schema{kind: {AnyOf: []*jsonschema.Schema{{Type: "null"}, object("", keys)}}}, kind)
}
