package report

import "runsheet"

// AttemptDoc is one attempt of a run: where it ran, what it had asked for, and what it took.
type AttemptDoc struct {
	Attempt   int          `json:"attempt"`
	Executor  string       `json:"executor"`
	Host      string       `json:"host"`
	Job       *string      `json:"job"` // the scheduler's name of it, as "4711_3"; null: it ran in none, or has not begun
	StartedAt *string      `json:"started_at"`
	EndedAt   *string      `json:"ended_at"`
	End       *string      `json:"end"` // "exit", "signal", "stopped", "stuck", "lost", "void", "error", "preempted", "time_limit", "cancelled"
	Cause     *string      `json:"cause"`
	ExitCode  *int         `json:"exit_code"`
	Requested RequestedDoc `json:"requested"`
	Used      UsedDoc      `json:"used"`
}

// RequestedDoc is what an attempt asked for. null: it left that to its host, or nobody knows.
type RequestedDoc struct {
	CPUs   *int     `json:"cpus"`
	GPUs   *int     `json:"gpus"`
	Memory *int64   `json:"memory_bytes"`
	Time   *float64 `json:"time_seconds"`
}

// UsedDoc is what an attempt took, all of its processes together; null: nobody measured it, or it has not ended.
type UsedDoc struct {
	CPU    *float64 `json:"cpu_seconds"`
	Memory *int64   `json:"peak_memory_bytes"`
	Wall   *float64 `json:"wall_seconds"`
}

// Attempt returns the document of an attempt by its records. claim is not nil.
func Attempt(claim *runsheet.Claim, start *runsheet.Start, end *runsheet.End) AttemptDoc {
	d := AttemptDoc{Attempt: claim.Attempt, Executor: claim.Executor, Host: claim.Host}
	d.request(claim.Resources)
	if start != nil && !start.Void {
		d.StartedAt = stamp(start.At)
		if start.Host != "" {
			d.Host = start.Host
		}
		if start.Job != "" {
			d.Job = &start.Job
		}
	}
	if end != nil {
		kind := string(end.Kind)
		d.EndedAt, d.End, d.ExitCode = stamp(end.At), &kind, end.ExitCode
		if cause := string(end.Cause.Kind); cause != "" {
			d.Cause = &cause
		}
		if end.PeakMemory > 0 { // its supervisor measured it
			d.Used.CPU = &end.CPU
		}
		fill(&d.Used.Wall, end.Wall)
		fill(&d.Used.Memory, end.PeakMemory)
	}
	return d
}

// Lacks says whether the accounting of a scheduler is to be asked about the attempt: it ended in a job, and nobody who could
// have measured it wrote its end.
func (d AttemptDoc) Lacks() bool { return d.Job != nil && d.EndedAt != nil && d.Used.CPU == nil }

// Fill adds what the accounting of a scheduler says where the records do not.
func (d *AttemptDoc) Fill(c runsheet.Consumption) {
	d.request(c.Requested)
	fill(&d.Used.Wall, c.Wall.Seconds())
	fill(&d.Used.CPU, c.CPU.Seconds())
	fill(&d.Used.Memory, c.Peak)
}

func (d *AttemptDoc) request(r runsheet.Resources) {
	fill(&d.Requested.CPUs, r.CPUs)
	fill(&d.Requested.GPUs, r.GPUs)
	fill(&d.Requested.Memory, r.Memory)
	fill(&d.Requested.Time, r.Time.Seconds())
}

// fill sets what is not known yet.
func fill[T int | int64 | float64](known **T, v T) {
	if *known == nil && v > 0 {
		*known = &v
	}
}
