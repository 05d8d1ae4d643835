package slurm

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// job is one job of ours, or one task of an array, as squeue shows it.
type job struct {
	id     string // as scancel takes it: "12", "12_3"
	state  string // in full, as "PENDING"
	reason string // why it is in that state
	nodes  string
	node   string        // which node could not begin it, in words; see cannotBegin
	why    string        // what it waits for, in words
	kind   kind          // what limits of the accounting database it counts for
	never  bool          // it waits for what does not come
	stood  time.Duration // for how much of its time it was suspended; below leastStood: not at all
}

// same says whether a job is as it was. What it waits for tells of other people's jobs, and changes as those come and go,
// unless it waits for a person.
func (j job) same(was job) bool {
	was.stood = j.stood // of one that is suspended it grows
	if phaseOf(j.state) == pending && phaseOf(was.state) == pending && j.held() == was.held() {
		was.reason, was.why = j.reason, j.why
	}
	return j == was
}

// kind is what a job is charged to. Where it says which jobs are meant, an empty word stands for all.
type kind struct{ account, qos, partition string }

// has says whether jobs of another kind are among those that are meant.
func (k kind) has(other kind) bool {
	return (k.account == "" || k.account == other.account) && (k.qos == "" || k.qos == other.qos) &&
		(k.partition == "" || k.partition == other.partition)
}

// task is a place in a submission: what a claim says of it, or the number of a job that does not show its submission.
type task struct {
	batch string
	index int
}

// whole stands in place of the number of a task where squeue shows none: the job is no array, or the last tasks of an
// array that waited were cancelled, which it shows as one job then.
const whole = -1

// fields are what squeue is asked for: the state, the array's job id, the task's number, the nodes, when it was started
// and how long it has run since, suspensions not counted; the account, the QOS and the partitions; the comment,
// the command and the reason come last, because they may hold anything.
const fields = "%T|%F|%K|%N|%S|%M|%a|%q|%P|%k|%o|%r"

// differ says whether tasks that wait stand on one line with reasons that are not those of each: squeue writes those of
// all tasks of an array in one word then, "Resources,JobHeldUser", where a single reason has a blank after its comma
// ("ReqNodeNotAvail, UnavailableNodes:node3").
func differ(out string) bool {
	for line := range strings.Lines(out) {
		reason := strings.TrimRight(line[strings.LastIndexByte(line, '|')+1:], "\n")
		for i := 1; i+1 < len(reason); i++ {
			before, after := reason[i-1]|0x20, reason[i+1] // in lower case
			if reason[i] == ',' && 'a' <= before && before <= 'z' && 'A' <= after && after <= 'Z' {
				return true
			}
		}
	}
	return false
}

// leastStood is the least difference between the time since a job was started and the time that it ran that tells of a
// suspension: both are in whole seconds, and of two clocks' looks.
const leastStood = 3 * time.Second

// parseQueue reads what squeue printed in those fields. Pending tasks of an array stand on one line together. Where a
// task was submitted more than once, the job counts that has most of its life before it. Jobs that are none of ours are
// only counted: active is how many jobs are not over, of all.
func parseQueue(out string, now time.Time) (jobs map[task]job, active map[kind]int, err error) {
	jobs, active = map[task]job{}, map[kind]int{}
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if line == "" {
			continue
		}
		f := strings.SplitN(line, "|", 10)
		if len(f) != 10 {
			return nil, nil, fmt.Errorf("squeue printed %q", line)
		}
		indices, err := parseTasks(f[2])
		if err != nil {
			return nil, nil, fmt.Errorf("squeue printed %q: %w", line, err)
		}
		j := job{state: f[0], nodes: f[3], kind: kind{f[6], f[7], f[8]}}
		if phaseOf(f[0]) != over {
			active[j.kind] += max(len(indices), 1)
		}
		batch, reason, ours := whose(f[9])
		switch {
		case !ours:
			continue
		case batch == "":
			batch = f[1]
		}
		j.reason, j.never = reason, phaseOf(f[0]) == pending && inVain(reason)
		if p := phaseOf(f[0]); p == running || p == suspended {
			j.stood = stood(f[4], f[5], now)
		}
		if indices == nil {
			j.id = f[1]
			j.why = waitsFor(j, false)
			keep(jobs, task{batch, whole}, j)
		}
		for _, n := range indices {
			j.id = f[1] + "_" + strconv.Itoa(n)
			j.why = waitsFor(j, false)
			keep(jobs, task{batch, n}, j)
		}
	}
	return jobs, active, nil
}

// stood returns for how much of its time a job was suspended, by when it was started and how long it has run: "N/A" and
// "0:00" where it was not.
func stood(started, ran string, now time.Time) time.Duration {
	at, err := time.ParseInLocation("2006-01-02T15:04:05", started, time.Local)
	d, ok := parseSpan(ran)
	if err != nil || !ok {
		return 0
	}
	if s := now.Sub(at) - d; s >= leastStood {
		return s
	}
	return 0
}

// parseSpan reads "4:05", "3:04:05" and "2-03:04:05".
func parseSpan(s string) (d time.Duration, ok bool) {
	days, clock, found := strings.Cut(s, "-")
	if !found {
		days, clock = "0", s
	}
	n, err := strconv.Atoi(days)
	for part := range strings.SplitSeq(clock, ":") {
		k, perr := strconv.Atoi(part)
		if err != nil || perr != nil || k < 0 {
			return 0, false
		}
		d = 60*d + time.Duration(k)*time.Second
	}
	return d + time.Duration(n)*24*time.Hour, true
}

func keep(jobs map[task]job, t task, j job) {
	if old, ok := jobs[t]; !ok || phaseOf(old.state) == over || phaseOf(j.state) == running {
		jobs[t] = j
	}
}

// whose reads what squeue shows last of a job: the comment, the command and the reason. The name of its submission stands
// in the comment, until somebody else writes one there, and at the end of the command. A squeue that shows no arguments
// leaves the name of one of our scripts: such a job is ours, and batch is empty.
func whose(rest string) (batch, reason string, ours bool) {
	const list = ".json|"
	if i := strings.LastIndex(rest, list); i >= batchLength && isBatch(rest[i-batchLength:i]) {
		return rest[i-batchLength : i], rest[i+len(list):], true
	}
	comment, after, _ := strings.Cut(rest, "|")
	_, reason, _ = strings.Cut(after, "|")
	for _, script := range scripts {
		shown := "/" + script.name + "|"
		if i := strings.LastIndex(rest, shown); i >= 0 {
			reason, ours = rest[i+len(shown):], true
		}
	}
	if isBatch(comment) {
		return comment, reason, true
	}
	return "", reason, ours
}

// batchLength is how long the name of a submission is.
const batchLength = 32

// isBatch says whether a text is the name of a submission of ours.
func isBatch(s string) bool {
	if len(s) != batchLength {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}

// mostTasks bounds what is taken for the number of a task: MaxArraySize is at most 4000001 (slurm.conf(5)).
const mostTasks = 4_000_001

// parseTasks reads the task of an array, or the set of its pending tasks: "7", "0-3,9", "0-8:2", "1-5%2". It is nil for a
// job that is no array ("N/A").
func parseTasks(s string) ([]int, error) {
	if s == "N/A" || s == "" {
		return nil, nil
	}
	set, _, _ := strings.Cut(s, "%")
	var out []int
	for part := range strings.SplitSeq(set, ",") {
		part, by, stepped := strings.Cut(part, ":")
		low, high, ranged := strings.Cut(part, "-")
		step := 1
		first, err := strconv.Atoi(low)
		last := first
		if err == nil && ranged {
			last, err = strconv.Atoi(high)
		}
		if err == nil && stepped {
			step, err = strconv.Atoi(by)
		}
		if err != nil || first < 0 || last < first || last > mostTasks || step < 1 {
			return nil, fmt.Errorf("%q is no set of tasks", s)
		}
		for n := first; n <= last; n += step {
			out = append(out, n)
		}
		if len(out) > mostTasks {
			return nil, fmt.Errorf("%q is no set of tasks", s)
		}
	}
	return out, nil
}

// formatTasks is the inverse of parseTasks for ascending numbers, as --array takes them.
func formatTasks(tasks []int) string {
	var parts []string
	for i := 0; i < len(tasks); {
		k := i
		for k+1 < len(tasks) && tasks[k+1] == tasks[k]+1 {
			k++
		}
		part := strconv.Itoa(tasks[i])
		if k > i {
			part += "-" + strconv.Itoa(tasks[k])
		}
		parts = append(parts, part)
		i = k + 1
	}
	return strings.Join(parts, ",")
}

// together names the jobs as scancel takes them, the tasks of an array in one word: one call to the controller each.
func together(ids []string) []string {
	var out []string
	tasks := map[string][]int{}
	for _, id := range ids {
		array, index, _ := strings.Cut(id, "_")
		n, err := strconv.Atoi(index)
		if err != nil {
			out = append(out, id)
			continue
		}
		tasks[array] = append(tasks[array], n)
	}
	for _, array := range slices.Sorted(maps.Keys(tasks)) {
		slices.Sort(tasks[array])
		out = append(out, array+"_["+formatTasks(tasks[array])+"]")
	}
	return out
}
