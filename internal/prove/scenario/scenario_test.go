package scenario

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// TestVerify holds that a scenario that was played well passes, and that what is done to its files afterwards is seen.
func TestVerify(t *testing.T) {
	attempt := func(s *Stage, name string) string {
		return filepath.Join(record.AttemptDir(s.run.WorkDir, 1), name)
	}
	for _, c := range []struct {
		name   string
		damage func(s *Stage) error
	}{
		{"", func(*Stage) error { return nil }},
		{"claim lost", func(s *Stage) error { return os.Remove(attempt(s, "claim.json")) }},
		{"start lost", func(s *Stage) error { return os.Remove(attempt(s, "start.json")) }},
		{"end lost", func(s *Stage) error { return os.Remove(attempt(s, "end.json")) }},
		{"end torn", func(s *Stage) error { return os.Truncate(attempt(s, "end.json"), 30) }},
		{"end of another", func(s *Stage) error {
			data, err := os.ReadFile(attempt(s, "end.json"))
			if err == nil {
				err = os.WriteFile(attempt(s, "end.json"), bytes.Replace(data, []byte(`"exit_code": 1`), []byte(`"exit_code": 0`), 1), 0o600)
			}
			return err
		}},
		{"journal cut", func(s *Stage) error { return os.Truncate(record.JournalPath(s.state), 150) }},
		{"journal gone", func(s *Stage) error { return os.Remove(record.JournalPath(s.state)) }},
		{"epoch lost", func(s *Stage) error { return os.RemoveAll(filepath.Join(s.run.WorkDir, "epoch_0")) }},
		{"cache damaged", func(s *Stage) error {
			return os.WriteFile(record.ProgressPath(s.run.WorkDir), []byte("{"), 0o600)
		}},
	} {
		sc := All()[len(All())-1] // the whole run
		s, err := Set(sc, durable.OS(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		s.Play(durable.OS())
		if err := c.damage(s); err != nil {
			t.Fatal(err)
		}
		err = s.Verify(durable.OS(), s.Facts(), false)
		if (err == nil) != (c.name == "") {
			t.Errorf("%q: %v", c.name, err)
		}
	}
}
