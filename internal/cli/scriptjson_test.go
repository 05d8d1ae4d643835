package cli_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The fields of runsheet.status/1 with their kinds: the contract with everybody who parses it. A kind that ends in ?
// may be null.
var (
	statusFields = map[string]string{"schema": "string", "sheet": "string", "as_of": "time", "summary": "object", "runs": "array"}

	summaryFields = map[string]string{"total": "number", "pending": "number", "queued": "number", "running": "number",
		"finished": "number", "failed": "number", "stuck": "number", "outdated": "number", "stopped": "number",
		"unknown": "number", "percentage": "number?", "eta_seconds": "number?"}

	runFields = map[string]string{"name": "string", "params": "object", "work_dir": "string", "command": "string",
		"status": "string", "reason": "string", "progress": "object", "metrics": "object", "attempt": "number",
		"executor": "string?", "host": "string?", "devices": "array", "pid": "number?", "started_at": "time?",
		"ended_at": "time?", "exit_code": "number?", "last_activity_at": "time?", "eta_seconds": "number?"}

	progressFields = map[string]string{"completed": "number?", "total": "number?", "unit": "string", "percentage": "number?",
		"early_stopped": "bool", "early_stopped_at": "number?", "source": "string", "as_of": "time?", "settled": "bool",
		"error": "string?"}

	attemptFields = map[string]string{"attempt": "number", "executor": "string", "host": "string", "job": "string?",
		"started_at": "time?", "ended_at": "time?", "end": "string?", "cause": "string?", "exit_code": "number?",
		"requested": "object", "used": "object"}

	requestedFields = map[string]string{"cpus": "number?", "gpus": "number?", "memory_bytes": "number?", "time_seconds": "number?"}

	usedFields = map[string]string{"cpu_seconds": "number?", "peak_memory_bytes": "number?", "wall_seconds": "number?"}
)

// cmdContract checks that a file holds exactly one runsheet.status/1 document with every field of the contract, whose
// summary adds up, and prints it as one line for a run, to be matched by stdout: `NAME STATUS COMPLETED/TOTAL`.
// contract FILE [WANT...]: every WANT must be one of those lines.
func cmdContract(ts *testscript.TestScript, neg bool, args []string) {
	var doc map[string]any
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(dec.Decode(&doc))
	if dec.More() {
		ts.Fatalf("%s holds more than one document", args[0])
	}
	conform(ts, "document", doc, statusFields)
	if doc["schema"] != "runsheet.status/1" {
		ts.Fatalf("schema %v", doc["schema"])
	}
	summary := doc["summary"].(map[string]any)
	conform(ts, "summary", summary, summaryFields)
	runs, count, lines := doc["runs"].([]any), map[string]float64{}, map[string]bool{}
	for _, r := range runs {
		run := r.(map[string]any)
		conform(ts, "run", run, runFields)
		progress := run["progress"].(map[string]any)
		conform(ts, fmt.Sprintf("progress of %v", run["name"]), progress, progressFields)
		attempts, _ := run["attempts"].([]any)
		for _, a := range attempts {
			attempt := a.(map[string]any)
			conform(ts, fmt.Sprintf("attempt of %v", run["name"]), attempt, attemptFields)
			conform(ts, "requested", attempt["requested"].(map[string]any), requestedFields)
			conform(ts, "used", attempt["used"].(map[string]any), usedFields)
		}
		for k, v := range run["params"].(map[string]any) {
			if _, ok := v.(string); !ok {
				ts.Fatalf("parameter %s of %v is no string: %v", k, run["name"], v)
			}
		}
		count[run["status"].(string)]++
		line := fmt.Sprintf("%v %v %v/%v", run["name"], run["status"], progress["completed"], progress["total"])
		line = strings.ReplaceAll(line, "<nil>", "?")
		lines[line] = true
		ts.Logf("%s", line)
	}
	if int(summary["total"].(float64)) != len(runs) {
		ts.Fatalf("summary.total is %v, and there are %d runs", summary["total"], len(runs))
	}
	for name, kind := range summaryFields {
		switch name {
		case "total", "percentage", "eta_seconds":
		default:
			if kind == "number" && summary[name] != count[name] {
				ts.Fatalf("summary.%s is %v, and there are %v such runs", name, summary[name], count[name])
			}
		}
	}
	for _, want := range args[1:] {
		if !lines[want] {
			ts.Fatalf("no run is %q", want)
		}
	}
}

// conform checks that an object has every field, of the right kind.
func conform(ts *testscript.TestScript, what string, object map[string]any, fields map[string]string) {
	for name, kind := range fields {
		value, has := object[name]
		if !has {
			ts.Fatalf("%s: there is no %q", what, name)
		}
		kind, nullable := strings.CutSuffix(kind, "?")
		if value == nil && nullable {
			continue
		}
		ok := false
		switch v := value.(type) {
		case string:
			ok = kind == "string"
			if kind == "time" {
				at, err := time.Parse(time.RFC3339, v)
				ok = err == nil && at.Location() == time.UTC && at.Year() > 2000
			}
		case float64:
			ok = kind == "number"
		case bool:
			ok = kind == "bool"
		case map[string]any:
			ok = kind == "object"
		case []any:
			ok = kind == "array"
		}
		if !ok {
			ts.Fatalf("%s: %q is %v, want a %s", what, name, value, kind)
		}
	}
}
