package supervise

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// scontrolPatience is how long Slurm may take to tell of a node; a job that starts again does not wait for longer.
const scontrolPatience = 20 * time.Second

// requeuedBy finds out how an execution of a job ended that Slurm has started once more. Slurm keeps the reason nowhere,
// but the node on which it ended writes it into the job's output, unless that node failed.
func requeuedBy(disk durable.Disk, c runsheet.Claim, s runsheet.Start) runsheet.Over {
	path := record.BatchLogPath(record.StateOf(c), c.Batch, c.Task)
	log, _, err := durable.Read(disk, "job", path, 16<<20)
	reason := ""
	if err == nil {
		reason = lastWord(string(log), os.Getenv(envJob), s.At, systemZone())
	}
	if reason == "" {
		ctx, cancel := context.WithTimeout(context.Background(), scontrolPatience)
		defer cancel()
		cmd := exec.CommandContext(ctx, "scontrol", "--oneliner", "show", "node", s.Host)
		cmd.Env = append(os.Environ(), "SLURM_TIME_FORMAT=%s")
		if out, err := cmd.Output(); err == nil && failedSince(string(out), s.At) {
			reason = nodeFailure
		}
	}
	over := runsheet.Over{Requeued: true, Kind: runsheet.EndPreempted, Cause: runsheet.Cause{Kind: runsheet.CauseRequeued,
		Text: "Slurm started its job again, and does not say why"}}
	switch reason {
	case nodeFailure:
		over.Kind = runsheet.EndLost
		over.Cause = runsheet.Cause{Kind: runsheet.CauseNodeFailed, Text: fmt.Sprintf("its node %s failed, and Slurm started its job again", s.Host)}
	case preemption:
		over.Cause = runsheet.Cause{Kind: runsheet.CausePreempted, Text: fmt.Sprintf("Slurm gave its place on %s to another job", s.Host)}
	case requeue:
		over.Cause.Text = "its job was requeued with scontrol"
	}
	return over
}

// The reasons that Slurm knows.
const (
	nodeFailure = "NODE FAILURE"
	preemption  = "PREEMPTION"
	requeue     = "JOB REQUEUE"
)

// cancelled is what slurmstepd writes into a job's output when it ends an execution, as Slurm 22.05 does. Where another
// release has other words, the reason is not known.
var cancelled = regexp.MustCompile(`\*\*\* JOB (\d+) ON \S+ CANCELLED AT (\S+) DUE TO (` + nodeFailure + `|` + preemption + `|` + requeue + `)`)

// lastWord returns the reason that the output of a job names last, empty where it names none since its execution began.
// Nodes write the time in the zone of their system.
func lastWord(log, job string, since time.Time, zone *time.Location) (reason string) {
	for _, m := range cancelled.FindAllStringSubmatch(log, -1) {
		at, err := time.ParseInLocation("2006-01-02T15:04:05", m[2], zone)
		if err == nil && m[1] == job && at.After(since.Add(-2*time.Second)) { // whole seconds
			reason = m[3]
		}
	}
	return reason
}

var (
	nodeDown  = regexp.MustCompile(`\bState=(DOWN|\S*NOT_RESPONDING|\S+\*)`)
	nodeBegan = regexp.MustCompile(`\b(?:BootTime|SlurmdStartTime)=(\d+)`)
)

// failedSince says whether a node, as `scontrol show node` shows it, is down, or has begun anew.
func failedSince(node string, since time.Time) bool {
	for _, m := range nodeBegan.FindAllStringSubmatch(node, -1) {
		if n, err := strconv.ParseInt(m[1], 10, 64); err == nil && time.Unix(n, 0).After(since) {
			return true
		}
	}
	return nodeDown.MatchString(node)
}

// systemZone is the time zone of the machine, whatever TZ says.
func systemZone() *time.Location {
	data, err := os.ReadFile("/etc/localtime")
	if err != nil {
		return time.UTC
	}
	zone, err := time.LoadLocationFromTZData("", data)
	if err != nil {
		return time.UTC
	}
	return zone
}
