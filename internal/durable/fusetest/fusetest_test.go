package fusetest_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"runsheet/internal/durable/fusetest"
)

func TestMain(m *testing.M) {
	fusetest.Main()
	os.Exit(m.Run())
}

// TestHalt: what is asked of a halted mount is answered once it goes on, and not before.
func TestHalt(t *testing.T) {
	under := t.TempDir()
	m := fusetest.New(t, under, fusetest.Options{})
	if err := os.WriteFile(filepath.Join(m.Dir, "a"), []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(under, "a")); string(data) != "1" || err != nil {
		t.Fatalf("%q, %v", data, err)
	}
	m.Halt()
	done := make(chan error, 1)
	go func() {
		_, err := os.Lstat(filepath.Join(m.Dir, "b"))
		done <- err
	}()
	select {
	case err := <-done:
		t.Errorf("a halted mount answers: %v", err)
	case <-time.After(50 * time.Millisecond): // it never would
	}
	m.GoOn()
	if err := <-done; !os.IsNotExist(err) {
		t.Error(err)
	}
}

// TestLinks: each fault is one that can be seen.
func TestLinks(t *testing.T) {
	for _, how := range []fusetest.Links{fusetest.Proper, fusetest.Copies, fusetest.Renames, fusetest.Symlinks} {
		under := t.TempDir()
		m := fusetest.New(t, under, fusetest.Options{Links: how, Salt: 7 << 40})
		a, b := filepath.Join(m.Dir, "a"), filepath.Join(m.Dir, "b")
		if err := os.WriteFile(a, []byte("1"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(a, b); err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		if data, err := os.ReadFile(b); string(data) != "1" || err != nil {
			t.Errorf("%s: %q, %v", how, data, err)
		}
		if err := os.Link(a, b); !os.IsExist(err) && how != fusetest.Renames {
			t.Errorf("%s: once more: %v", how, err)
		}
		first, aerr := os.Lstat(a)
		second, berr := os.Lstat(b)
		same := aerr == nil && berr == nil && os.SameFile(first, second)
		if same != (how == fusetest.Proper) || berr != nil || (aerr != nil) != (how == fusetest.Renames) {
			t.Errorf("%s: same %t, %v, %v", how, same, aerr, berr)
		}
	}
}
