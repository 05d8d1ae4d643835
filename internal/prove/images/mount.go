package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// kind is a file system under test.
type kind struct {
	Name    string
	mkfs    []string
	size    int64  // bytes of the backing file
	options string // of the mount
	clone   string // of the mount of a clone
	pack    string // the Debian package with mkfs
}

// kinds are the file systems under test. noauto_da_alloc takes away what ext4 does to save careless programs: it would
// hide that a replaced file was not synced. A clone of XFS has the UUID of the original, which is mounted as well.
var kinds = []kind{
	{"ext4", []string{"mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"}, 64 << 20, "noauto_da_alloc", "noauto_da_alloc", "e2fsprogs"},
	{"xfs", []string{"mkfs.xfs", "-q", "-f", "-m", "reflink=1"}, 304 << 20, "", "nouuid", "xfsprogs"},
}

// poolSize is the size in bytes of the sparse file system that holds the backing files where the working directory
// cannot clone. It grows only by what is written.
const poolSize = 3 << 30

// impossible says why crash images cannot be taken here; "" where they can.
func impossible() string {
	if os.Geteuid() != 0 {
		return "loop mounts need root"
	}
	loop, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return "no loop devices: " + err.Error()
	}
	defer loop.Close()
	if _, err := unix.IoctlRetInt(int(loop.Fd()), unix.LOOP_CTL_GET_FREE); err != nil {
		return "no loop devices: " + err.Error()
	}
	known, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		return err.Error()
	}
	for _, k := range kinds {
		if !strings.Contains(string(known), "\t"+k.Name+"\n") {
			if exec.Command("modprobe", k.Name).Run() != nil {
				return "the kernel has no " + k.Name
			}
		}
	}
	return ""
}

// missing lists the packages whose mkfs is not here.
func missing() (packs []string) {
	for _, k := range kinds {
		if _, err := tool(k.mkfs[0]); err != nil {
			packs = append(packs, k.pack)
		}
	}
	return packs
}

// tool finds a program, also where only root has it in its path.
func tool(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/" + name)
}

// install brings the missing programs, where this is Debian or Ubuntu.
func install(ctx context.Context, say func(string, ...any)) error {
	packs := missing()
	if len(packs) == 0 {
		return nil
	}
	text := strings.Join(packs, " and ")
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		return fmt.Errorf("%s must be installed", text)
	}
	say("installing %s", text)
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c",
		`"$0" update -qq && DEBIAN_FRONTEND=noninteractive exec "$0" install -y -qq --no-install-recommends "$@"`, apt}, packs...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s must be installed: apt-get: %w: %.200s", text, err, out)
	}
	return nil
}

// format makes a file system in a new sparse file.
func (k kind) format(ctx context.Context, path string, size int64) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(f.Truncate(size), f.Close())
	if err != nil {
		return err
	}
	mkfs, err := tool(k.mkfs[0])
	if err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, mkfs, append(k.mkfs[1:], path)...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", k.mkfs[0], err, out)
	}
	return nil
}

// mount mounts the file system in a file through a loop device, which the kernel frees with the last mount.
func (k kind) mount(file, at, options string) error {
	device, path, err := attach(file)
	if err != nil {
		return fmt.Errorf("attach %s: %w", file, err)
	}
	defer device.Close()
	if err := unix.Mount(path, at, k.Name, 0, options); err != nil {
		return fmt.Errorf("mount %s of %s: %w", k.Name, file, err)
	}
	return nil
}

// attach gives a file a loop device.
func attach(file string) (device *os.File, path string, err error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, "", err
	}
	defer control.Close()
	backing, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return nil, "", err
	}
	defer backing.Close()
	for range 100 {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, "", err
		}
		path = fmt.Sprintf("/dev/loop%d", n)
		if device, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
			return nil, "", err
		}
		err = unix.IoctlLoopConfigure(int(device.Fd()), &unix.LoopConfig{
			Fd: uint32(backing.Fd()), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}})
		if err == nil {
			return device, path, nil
		}
		device.Close()
		if !errors.Is(err, unix.EBUSY) { // somebody was quicker
			return nil, "", err
		}
	}
	return nil, "", unix.EBUSY
}

// clone makes a new file that shares the blocks of another as they are at one instant.
func clone(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = unix.IoctlFileClone(int(dst.Fd()), int(src.Fd()))
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("clone %s: %w", from, err)
	}
	return nil
}

// pool returns a directory in which files can be cloned: dir itself, or an XFS mounted below it. A file that is copied
// while it is written to is no image of one instant, so there is no other way.
func pool(ctx context.Context, dir string) (string, error) {
	probe := filepath.Join(dir, "probe")
	if err := os.WriteFile(probe, []byte("x"), 0o600); err != nil {
		return "", err
	}
	if clone(probe, probe+"2") == nil {
		return dir, nil
	}
	xfs := kinds[len(kinds)-1]
	file, at := filepath.Join(dir, "pool.img"), filepath.Join(dir, "pool")
	if err := os.Mkdir(at, 0o700); err != nil {
		return "", err
	}
	if err := xfs.format(ctx, file, poolSize); err != nil {
		return "", err
	}
	return at, xfs.mount(file, at, "")
}

// terminated returns a context that ends with SIGTERM or SIGINT.
func terminated() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
}
