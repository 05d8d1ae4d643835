package launcher_test

import (
	"os"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/journal"
	"runsheet/internal/launcher"
	"runsheet/internal/proc"
	"runsheet/internal/record"
)

// machine is this one under another identity.
type machine struct {
	proc.Procs
	is runsheet.Machine
}

func (m machine) Self() runsheet.Process {
	p := m.Procs.Self()
	p.Machine = m.is
	return p
}

// ownDisk is a file system that lies on a disk of this machine.
type ownDisk struct{ record.FS }

func (ownDisk) Local(string) (bool, error) { return true, nil }

// TestVanishedElsewhere holds two cases of an attempt of another boot, whose records are gone. If the boot was this
// machine's, the attempt is over; otherwise its run is not claimed.
func TestVanishedElsewhere(t *testing.T) {
	first := runsheet.Machine{ID: "an image", Random: "the first"}
	for _, c := range []struct {
		name string
		on   runsheet.Machine // it began
		gone bool
	}{
		{"this machine, booted since", first, true},
		{"another machine that mounts this disk", runsheet.Machine{ID: "an image", Random: "the second"}, false},
		{"an older version's record", runsheet.Machine{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, exits(0), "a")
			b.on = &first
			state := record.StateDir(b.sheet.Dir, b.sheet.Path)
			if err := os.MkdirAll(state, 0o700); err != nil {
				t.Fatal(err)
			}
			w, err := journal.Open(durable.OS(), state, record.JournalPath(state))
			if err != nil {
				t.Fatal(err)
			}
			who, nonce := proc.System().Self(), record.NewNonce()
			who.BootID, who.Machine = "another boot", c.on
			for _, kind := range []journal.Kind{journal.Claimed, journal.Began} {
				if err := w.Append(journal.Event{Kind: kind, At: time.Now(), Session: "gone", Run: "a", WorkDir: b.sheet.Runs[0].WorkDir,
					Attempt: 1, Nonce: nonce, Process: &who}); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			b.run(launcher.Options{Once: true})
			b.fake.Wait()
			if claimed := b.look("a", 2).Claim != nil; claimed != c.gone {
				t.Errorf("claimed: %t, want %t: %v", claimed, c.gone, b.kinds(""))
			}
		})
	}
}
