package supervise

import (
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"runsheet"
)

// limitPatience is how long Slurm may take to say when the time of a job is over.
const limitPatience = 5 * time.Second

// hearLimit takes in that the time of the job is nearly over. Slurm says so up to a minute too early (sbatch(1), --signal),
// which may be all the time that a short job has. So it is asked when the time is over, and the command is told to end when
// that is so: then is sent on told. Where it does not answer, that is now.
func (s *supervisor) hearLimit(told chan<- time.Time) {
	if !s.limitSaid.CompareAndSwap(false, true) {
		return
	}
	go func() {
		at := time.Now()
		if began, over, ok := jobTimes(os.Getenv(envJob)); ok {
			at = over.Add(-runsheet.LimitLead(s.tenure.Claim.StopGrace, over.Sub(began)))
			if time.Until(at) > time.Second {
				s.say("the time of its job is over at %s: it is told to end at %s", over.Format(time.TimeOnly), at.Format(time.TimeOnly))
			}
		}
		s.limitSaid.Store(false)
		told <- at
	}()
}

// jobTimes asks Slurm when a job was started, and when its time is over. The reaper waits for every child of this process, so
// nobody knows how the one that asks exited: what it printed says enough.
func jobTimes(id string) (began, over time.Time, ok bool) {
	scontrol, err := exec.LookPath("scontrol")
	if err != nil || id == "" {
		return began, over, false
	}
	read, write, err := os.Pipe()
	if err != nil {
		return began, over, false
	}
	defer read.Close()
	p, err := os.StartProcess(scontrol, []string{"scontrol", "--oneliner", "show", "job", id}, &os.ProcAttr{
		Dir: "/", Env: append(os.Environ(), "SLURM_TIME_FORMAT=%s"), Files: []*os.File{nil, write, nil}})
	write.Close()
	if err != nil {
		return began, over, false
	}
	read.SetReadDeadline(time.Now().Add(limitPatience))
	shown, err := io.ReadAll(io.LimitReader(read, 1<<16))
	if err != nil {
		p.Kill() // its pipe is open: it is there still
	}
	p.Release()
	return parseTimes(string(shown))
}

var startEnd = regexp.MustCompile(`\bStartTime=(\d+) EndTime=(\d+)\b`)

// parseTimes reads the times of a job as `scontrol show job` shows them.
func parseTimes(shown string) (began, over time.Time, ok bool) {
	m := startEnd.FindStringSubmatch(shown)
	if m == nil {
		return began, over, false
	}
	from, err1 := strconv.ParseInt(m[1], 10, 64)
	to, err2 := strconv.ParseInt(m[2], 10, 64)
	return time.Unix(from, 0), time.Unix(to, 0), err1 == nil && err2 == nil && to > from
}
