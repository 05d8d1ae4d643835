package check

import (
	"os"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// stepping is a disk before whose k-th operation something else happens.
type stepping struct {
	durable.Disk
	left int
	do   func()
}

func (d *stepping) tick() {
	if d.left--; d.left == 0 {
		d.do()
	}
}

func (d *stepping) Open(label, path string, flag int, perm os.FileMode) (durable.File, error) {
	d.tick()
	return d.Disk.Open(label, path, flag, perm)
}

func (d *stepping) Lstat(label, path string) (os.FileInfo, error) {
	d.tick()
	return d.Disk.Lstat(label, path)
}

func (d *stepping) ReadDir(label, path string) ([]os.DirEntry, error) {
	d.tick()
	return d.Disk.ReadDir(label, path)
}

// TestEveryMoment lets the next steps of a run happen before each operation of a look in turn. No single look may find
// anything: what it has seen by then must imply what it looks for afterwards.
func TestEveryMoment(t *testing.T) {
	var tenure *record.Tenure
	cycle := []func(p *project){
		func(p *project) {
			if _, err := record.Request(p.sys, p.run.WorkDir, runsheet.RequestRetry, "ada"); err != nil {
				p.t.Fatal(err)
			}
		},
		func(p *project) { p.claim() },
		func(p *project) {
			v, err := record.Look(p.sys, p.run.WorkDir)
			p.must(err)
			tenure = p.begin(*v.Claim)
		},
		func(p *project) { p.end(tenure, 1) },
	}
	for before := range cycle {
		for jump := range 2 {
			most := everyMoment(t, len(cycle)+before, jump+1, cycle)
			if t.Failed() {
				t.FailNow()
			}
			if most < 20 {
				t.Errorf("a look has only %d operations", most)
			}
		}
	}
}

// everyMoment takes some steps, and then some more before each operation of a look in turn. It returns how many
// operations a look has.
func everyMoment(t *testing.T, before, jump int, cycle []func(p *project)) (most int) {
	for k := 1; k == 1 || k <= most; k++ {
		p := newProject(t)
		next := 0
		forward := func(steps int) {
			for range steps {
				cycle[next%len(cycle)](p)
				next++
			}
		}
		forward(before)
		d := &stepping{Disk: durable.OS(), left: k, do: func() { forward(jump) }}
		c := newChecker(d)
		var f findings
		c.state(&f, p.state)
		c.records(&f, p.run.WorkDir)
		for _, v := range f.list {
			t.Errorf("%d steps, and %d more before operation %d: %v", before, jump, k, v)
		}
		most = max(most, k-d.left)
		p.log.Close()
	}
	return most
}
