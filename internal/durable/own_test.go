package durable

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestOpenOwn plants what others could have put there before us. A FIFO must not hold it up.
func TestOpenOwn(t *testing.T) {
	write := func(mode fs.FileMode) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			must(t, os.WriteFile(path, []byte("old"), 0o600))
			must(t, os.Chmod(path, mode))
		}
	}
	for _, c := range []struct {
		name  string
		plant func(t *testing.T, path string)
		want  error
	}{
		{"nothing", func(*testing.T, string) {}, nil},
		{"ours", write(0o600), nil},
		{"ours, and readable", write(0o644), nil},
		{"others may write to it", write(0o666), ErrNotOwn},
		{"the group may write to it", write(0o620), ErrNotOwn},
		{"somebody else's", func(t *testing.T, path string) {
			if os.Geteuid() != 0 {
				t.Skip("only root can make somebody else's file")
			}
			write(0o600)(t, path)
			must(t, os.Chown(path, 65534, 65534))
		}, ErrNotOwn},
		{"a symbolic link", func(t *testing.T, path string) {
			must(t, os.WriteFile(path+".theirs", []byte("old"), 0o600))
			must(t, os.Symlink(path+".theirs", path))
		}, ErrNotRegular},
		{"a symbolic link to nothing", func(t *testing.T, path string) { must(t, os.Symlink(path+".theirs", path)) }, ErrNotRegular},
		{"a directory", func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o700)) }, ErrNotRegular},
		{"a FIFO", func(t *testing.T, path string) { must(t, unix.Mkfifo(path, 0o600)) }, ErrNotRegular},
		{"a FIFO with a reader", func(t *testing.T, path string) {
			must(t, unix.Mkfifo(path, 0o600))
			f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
			must(t, err)
			t.Cleanup(func() { f.Close() })
		}, ErrNotRegular},
		{"a socket", func(t *testing.T, path string) {
			l, err := net.Listen("unix", path)
			must(t, err)
			t.Cleanup(func() { l.Close() })
		}, ErrNotRegular},
		{"a device", func(t *testing.T, path string) {
			if err := unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))); err != nil {
				t.Skip("no device can be made here:", err)
			}
		}, ErrNotRegular},
	} {
		for _, flag := range []int{os.O_WRONLY | os.O_APPEND, os.O_RDWR} {
			t.Run(c.name, func(t *testing.T) {
				dir, err := os.MkdirTemp("", "own") // a socket's path has to be short
				must(t, err)
				t.Cleanup(func() { os.RemoveAll(dir) })
				path := filepath.Join(dir, "log")
				c.plant(t, path)
				f, err := OpenOwn(OS(), "test", path, flag)
				if !errors.Is(err, c.want) {
					t.Fatalf("%v, want %v", err, c.want)
				}
				if data, err := os.ReadFile(path + ".theirs"); err == nil && string(data) != "old" {
					t.Errorf("what the link points to is %q", data)
				} else if _, err := os.Lstat(path + ".theirs"); c.name == "a symbolic link to nothing" && err == nil {
					t.Error("what the link points to was made")
				}
				if c.want != nil {
					if Hint(err) == "" {
						t.Error("nothing says what to do")
					}
					return
				}
				defer f.Close()
				if _, err := f.Write([]byte("new")); err != nil {
					t.Error(err)
				}
				if info, err := os.Lstat(path); err != nil || info.Mode() != Private {
					t.Errorf("%v, %v", info.Mode(), err)
				}
				raw, err := f.OS().SyscallConn()
				must(t, err)
				must(t, raw.Control(func(fd uintptr) {
					if flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
						t.Errorf("a child would get it with flags %#x, %v", flags, err)
					}
				}))
			})
		}
	}
}

// A lock that others may write to could be held by them for good.
func TestOpenLockIsOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	must(t, os.WriteFile(path, nil, 0o600))
	must(t, os.Chmod(path, 0o666))
	if _, err := OpenLock(OS(), "test", path); !errors.Is(err, ErrNotOwn) {
		t.Errorf("%v", err)
	}
}
