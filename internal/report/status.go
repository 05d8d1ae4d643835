package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"
	"unicode"
	"unicode/utf8"

	"runsheet"
	"runsheet/internal/record"
)

// StatusSchema names the format of StatusDoc. It is a contract with scripts: fields may be added, never
// renamed.
const StatusSchema = "runsheet.status/1"

// StatusDoc is the document of `status --json`. What is not known is null. Every time is RFC 3339 in UTC with
// milliseconds.
type StatusDoc struct {
	Schema  string   `json:"schema"` // StatusSchema
	Sheet   string   `json:"sheet"`
	AsOf    string   `json:"as_of"`
	Summary Summary  `json:"summary"`
	Runs    []RunDoc `json:"runs"`
	Strays  []RunDoc `json:"strays,omitempty"` // live attempts that the sheet no longer has; not in the summary
	Gone    *GoneDoc `json:"gone,omitempty"`   // finished runs that it no longer has; not in the summary
}

// GoneDoc are finished runs that the sheet no longer has.
type GoneDoc struct {
	Runs    []string          `json:"runs"`              // their names
	Renamed map[string]string `json:"renamed,omitempty"` // the new name of a parameter by its old one, where it is all that changed
}

// Summary counts the runs by status.
type Summary struct {
	Total      int      `json:"total"`
	Pending    int      `json:"pending"`
	Queued     int      `json:"queued"`
	Running    int      `json:"running"`
	Finished   int      `json:"finished"`
	Failed     int      `json:"failed"`
	Stuck      int      `json:"stuck"`
	Outdated   int      `json:"outdated"`
	Stopped    int      `json:"stopped"`
	Unknown    int      `json:"unknown"`
	Percentage *float64 `json:"percentage"`  // mean over the runs, one whose share is not known counting as 0; null: no runs
	ETA        *float64 `json:"eta_seconds"` // see ETA
}

// RunDoc is one run.
type RunDoc struct {
	Name         string              `json:"name"`
	Params       map[string]string   `json:"params"`
	WorkDir      string              `json:"work_dir"` // as the sheet shows it
	Command      string              `json:"command"`
	Status       runsheet.Status     `json:"status"`
	Reason       string              `json:"reason"`
	Progress     ProgressDoc         `json:"progress"`
	Metrics      map[string]*float64 `json:"metrics"` // null: NaN or infinite
	Attempt      int                 `json:"attempt"` // 0: none
	Executor     *string             `json:"executor"`
	Host         *string             `json:"host"`
	Devices      []string            `json:"devices"`
	Job          *string             `json:"job,omitempty"`    // the scheduler's name of it, as "4711_3", where it runs in one
	Commit       *string             `json:"commit,omitempty"` // of the sheet's directory, when the attempt was claimed
	Dirty        *bool               `json:"dirty,omitempty"`  // files were changed since that commit; absent: no commit is known
	Diff         *string             `json:"diff,omitempty"`   // the file that holds these changes
	PID          *int                `json:"pid"`              // the supervisor's
	StartedAt    *string             `json:"started_at"`
	EndedAt      *string             `json:"ended_at"`
	ExitCode     *int                `json:"exit_code"`
	LastActivity *string             `json:"last_activity_at"`
	ETA          *float64            `json:"eta_seconds"`            // of a live attempt
	SilentSince  *string             `json:"silent_since,omitempty"` // since when the file system of the work dir has not answered
	// A living launcher tries the failed run again: the number of the next attempt, and when its backoff is over. Without a time
	// it begins as soon as there is a place for it.
	NextAttempt   *int    `json:"next_attempt,omitempty"`
	NextAttemptAt *string `json:"next_attempt_at,omitempty"`
	// MadeBy is the command that made the result of an outdated run, where it is not the sheet's any more.
	MadeBy *string `json:"made_by,omitempty"`

	Attempts []AttemptDoc `json:"attempts,omitempty"` // all of them, the oldest first

	Series map[string][]runsheet.Point `json:"series,omitempty"` // with --series: of each metric [step, value], oldest first
}

// ProgressDoc is the progress of a run.
type ProgressDoc struct {
	Completed      *int64   `json:"completed"`
	Total          *int64   `json:"total"`
	Unit           string   `json:"unit"`
	Percentage     *float64 `json:"percentage"` // rounded down to a tenth, so that 100 means complete
	EarlyStopped   bool     `json:"early_stopped"`
	EarlyStoppedAt *int64   `json:"early_stopped_at"`
	Finished       bool     `json:"finished"` // the training code itself says that it is done
	Guessed        bool     `json:"guessed"`  // read off log lines by their looks: how the attempt ends says whether it is complete
	Source         string   `json:"source"`   // the tracker, "exit" where only the exit code says that the work is done, "" for no evidence
	AsOf           *string  `json:"as_of"`
	Settled        bool     `json:"settled"`
	Error          *string  `json:"error"` // the evidence is broken: nothing of the above is known
}

// Status returns the status document of a snapshot.
func Status(s runsheet.Snapshot) StatusDoc {
	d := StatusDoc{Schema: StatusSchema, Sheet: s.Sheet.Name, AsOf: utc(s.AsOf), Summary: summarise(s), Runs: []RunDoc{}}
	for _, o := range s.Runs {
		d.Runs = append(d.Runs, runDoc(o, s.AsOf))
	}
	for _, o := range s.Strays {
		d.Strays = append(d.Strays, runDoc(o, s.AsOf))
	}
	if g := s.Gone; len(g.Runs) > 0 {
		d.Gone = &GoneDoc{Runs: g.Runs}
		if g.Renamed > 0 {
			d.Gone.Renamed = map[string]string{g.Was: g.Is}
		}
	}
	return d
}

// JSON renders the document, indented, with a line feed at its end.
func (d StatusDoc) JSON() ([]byte, error) { return indented(d) }

func indented(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	return append(escaped(data), '\n'), err
}

// escaped writes the characters of a JSON document that could command a terminal, or turn the direction of its text, as
// the escapes that mean them. JSON itself demands that of the first 32 only, and they stand nowhere but in strings.
func escaped(doc []byte) []byte {
	acts := func(r rune) bool {
		return r >= 0x7f && (r < 0xa0 || r == '\uFEFF' || unicode.Is(unicode.Bidi_Control, r))
	}
	if !bytes.ContainsFunc(doc, acts) {
		return doc
	}
	var out []byte
	for len(doc) > 0 {
		r, n := utf8.DecodeRune(doc)
		if acts(r) {
			out = fmt.Appendf(out, "\\u%04x", r)
		} else {
			out = append(out, doc[:n]...)
		}
		doc = doc[n:]
	}
	return out
}

func summarise(s runsheet.Snapshot) Summary {
	n := Count(s)
	sum := Summary{
		Total: len(s.Runs), Pending: n[runsheet.Pending], Queued: n[runsheet.Queued], Running: n[runsheet.Running],
		Finished: n[runsheet.Finished], Failed: n[runsheet.Failed], Stuck: n[runsheet.Stuck],
		Outdated: n[runsheet.Outdated], Stopped: n[runsheet.Stopped], Unknown: n[runsheet.Unknown],
	}
	if p, ok := Percentage(s); ok {
		sum.Percentage = tenth(p)
	}
	if eta, ok := ETA(s); ok {
		sum.ETA = seconds(eta)
	}
	return sum
}

// Count counts the runs of a sheet by their status; live attempts that the sheet no longer has do not count.
func Count(s runsheet.Snapshot) map[runsheet.Status]int {
	n := map[runsheet.Status]int{}
	for _, o := range s.Runs {
		n[o.Status]++
	}
	return n
}

func runDoc(o runsheet.Observed, now time.Time) RunDoc {
	d := RunDoc{
		Name: o.Run.Name, Params: map[string]string{}, WorkDir: o.Run.Shown, Command: o.Run.Command,
		Status: o.Status, Reason: o.Reason, Progress: progressDoc(o), Metrics: map[string]*float64{},
		Attempt: o.Attempt, Devices: []string{}, LastActivity: stamp(o.LastActivity), SilentSince: stamp(o.Silent),
	}
	for _, p := range o.Run.Params {
		d.Params[p.Key] = p.Value
	}
	if p := o.Final(); p != nil && p.Error == "" {
		for name, v := range p.Metrics {
			d.Metrics[name] = finite(v)
		}
	}
	if c := o.Claim; c != nil {
		where := o.Where()
		d.Executor, d.Host = &c.Executor, &where
		d.Devices = append(d.Devices, c.Devices...)
		if c.Commit != "" {
			d.Commit, d.Dirty = &c.Commit, &c.Dirty
		}
		if c.Diff != "" {
			diff := record.DiffPath(record.StateOf(*c), c.Diff)
			d.Diff = &diff
		}
	}
	if began(o) {
		d.PID, d.StartedAt = &o.Start.PID, stamp(o.Start.At)
		if o.Start.Job != "" {
			d.Job = &o.Start.Job
		}
	}
	if e := o.End; e != nil {
		d.EndedAt, d.ExitCode = stamp(e.At), e.ExitCode
	}
	if n := o.Next; n != nil {
		d.NextAttempt, d.NextAttemptAt = &n.Attempt, stamp(n.At)
	}
	if o.Status == runsheet.Outdated && o.MadeByAnother(*o.Run) {
		d.MadeBy = &o.Claim.Identity
	}
	if eta, ok := RunETA(o, now); ok {
		d.ETA = seconds(eta)
	}
	return d
}

func progressDoc(o runsheet.Observed) ProgressDoc {
	completed, total, unit := amounts(o)
	d := ProgressDoc{Unit: unit}
	if total > 0 {
		d.Total = &total
	}
	p := o.Final()
	if p != nil {
		d.Source, d.AsOf, d.Settled = p.Source, stamp(p.AsOf), p.Settled
		if p.Error != "" {
			d.Error = &p.Error
			return d
		}
	}
	d.Completed = &completed
	if share, ok := RunPercentage(o); ok {
		d.Percentage = tenth(share)
	}
	if byExit(o) {
		d.Source, d.Total = "exit", nil
	}
	if p != nil {
		d.Finished, d.Guessed = p.Finished, p.Guessed
	}
	if p != nil && p.EarlyStopped {
		d.EarlyStopped, d.EarlyStoppedAt = true, &p.EarlyStoppedAt
	}
	return d
}

// utc renders a time.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// stamp renders a time; nil: it is not known.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := utc(t)
	return &s
}

// finite returns v, or nil where JSON has no number for it.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// tenth rounds down to a tenth, so that what is not complete never reads 100.
func tenth(v float64) *float64 {
	v = math.Floor(v*10+1e-6) / 10
	return &v
}

func seconds(d time.Duration) *float64 {
	s := math.Round(d.Seconds()*10) / 10
	return &s
}
