package observe

import (
	"unique"

	"runsheet"
)

// share lets a claim hold the texts of its run where they are the same, as they mostly are: with ten thousand runs that
// wait in a queue the claims would otherwise hold all of them once more.
func share(c *runsheet.Claim, run runsheet.Run) {
	if c == nil {
		return
	}
	same := func(have *string, as ...string) {
		for _, s := range as {
			if *have == s {
				*have = s
				return
			}
		}
	}
	same(&c.Run, run.Name)
	same(&c.Identity, run.Command)
	same(&c.Written, run.Identity)
	same(&c.Command, run.Command, run.Resumed)
	same(&c.Resumed, run.Resumed)
	same(&c.WorkDir, run.WorkDir)
	for _, s := range []*string{&c.Session, &c.Sheet, &c.Executor, &c.Host, &c.Batch, &c.Dir, &c.Commit, &c.Diff, &c.By.Host, &c.By.BootID, &c.By.PIDNamespace,
		&c.By.Machine.ID, &c.By.Machine.Random} {
		*s = unique.Make(*s).Value()
	}
	c.Schema = unique.Make(c.Schema).Value()
}
