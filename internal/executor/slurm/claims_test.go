package slurm_test

import (
	"context"
	"path/filepath"
	"strconv"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
	"runsheet/internal/sheet"
)

// manyRuns is a sheet with twelve runs, of which the cluster takes a few.
const manyRuns = `command: ./train.sh {work_dir} 2 0.1
matrix: {x: [0..11]}
progress: {tracker: epochs, epochs: 2, files: [done]}
policy: {retries: 0}
pool: [{slurm: {time: 10m, options: [NODE]}}]
`

// longAgo is a clock that is ten minutes late.
type longAgo struct{}

func (longAgo) Now() time.Time { return time.Now().Add(-10 * time.Minute) }

func (longAgo) Wait(context.Context, time.Duration) error { return nil }

// late is what records go through as they did ten minutes ago.
func late() record.System {
	sys := record.NewSystem(durable.OS())
	sys.Clock = longAgo{}
	return sys
}

// claimAll claims the first attempts of all runs of a project as one batch, and submits nothing: the launcher died then.
// It returns their nonces.
func (p *project) claimAll(sys record.System) (nonces []string) {
	p.t.Helper()
	s, err := sheet.Load(filepath.Join(p.dir, "runsheet.yaml"))
	if err != nil {
		p.t.Fatal(err)
	}
	batch, session := record.NewNonce(), record.NewNonce()
	for i, r := range s.Runs {
		c, err := record.Claim(sys, runsheet.Facts{}, 0, runsheet.Claim{Run: r.Name, Nonce: record.NewNonce(), Session: session,
			Sheet: s.Path, Executor: "slurm", Host: s.Pool[0].Name, Identity: r.Command, Command: r.Command, Resumed: r.Resumed,
			Batch: batch, Task: i, WorkDir: r.WorkDir, Dir: s.Dir, Env: s.Env, Progress: r.Progress, StopGrace: s.Policy.StopGrace})
		if err != nil {
			p.t.Fatal(err)
		}
		nonces = append(nonces, c.Nonce)
	}
	return nonces
}

// sameClaims checks that all runs were finished by the attempts that were claimed.
func (p *project) sameClaims(nonces []string) {
	p.t.Helper()
	for i, nonce := range nonces {
		p.ended(strconv.Itoa(i), "exit")
		if c := p.view(strconv.Itoa(i), 1).Claim; c == nil || c.Nonce != nonce {
			p.t.Errorf("the first attempt of %d is another one: %+v", i, c)
		}
	}
}

// claimsWithoutJobs: what a launcher claimed, and did not live to submit, is submitted by the next one, as the same
// attempts, where Slurm takes fewer jobs than there are.
func claimsWithoutJobs(u *trial) {
	u.sheet(manyRuns)
	nonces := u.claimAll(record.NewSystem(durable.OS()))
	u.finishes(u.launch())
	u.sameClaims(nonces)
}

// claimsOnce: also by a launcher that only looks now and then, and long after they were claimed.
func claimsOnce(u *trial) {
	u.sheet(manyRuns)
	nonces := u.claimAll(late())
	u.until("all runs to be finished", func() bool {
		if out, err := u.command("run", "--once").CombinedOutput(); err != nil {
			u.t.Fatalf("%v: %s", err, out)
		}
		return u.status().count("finished") == len(nonces)
	})
	u.once()
	u.sameClaims(nonces)
}
