package nfs

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// tools is what a virtual machine is made of.
type tools struct {
	qemu, kernel, modules, mkfs string
}

// wanted are the kernel modules, by name; what they depend on comes with them. ext4 asks for crc32c by an alias.
var wanted = []string{"virtio_pci", "virtio_blk", "crc32c_generic", "ext4", "veth", "nfsd", "nfsv3", "nfsv4"}

const diskSize = 256 << 20

// prepare finds the tools, and installs or fetches from the package registry what is missing. The kernel is only unpacked
// below dir.
func prepare(ctx context.Context, dir string, say func(string, ...any)) (tools, error) {
	var t tools
	if runtime.GOARCH != "amd64" {
		return t, errors.New("the virtual machine is an amd64 one, and this program is not")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return t, errors.New("it needs a kernel and qemu from Debian's registry, and there is no apt-get")
	}
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		if os.Geteuid() != 0 {
			return t, errors.New("qemu-system-x86 must be installed")
		}
		say("installing qemu-system-x86")
		if out, err := shell(ctx, dir, "apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends qemu-system-x86"); err != nil {
			return t, fmt.Errorf("qemu-system-x86 must be installed: %w: %.200s", err, out)
		}
	}
	t.qemu, _ = exec.LookPath("qemu-system-x86_64")
	var err error
	if t.mkfs, err = exec.LookPath("mkfs.ext4"); err != nil {
		if t.mkfs, err = exec.LookPath("/usr/sbin/mkfs.ext4"); err != nil {
			return t, errors.New("e2fsprogs must be installed")
		}
	}
	say("fetching a kernel")
	// The metapackage names the kernel of this release.
	out, err := shell(ctx, dir, `p=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
if [ -z "$p" ]; then apt-get update -qq && p=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1); fi
apt-get download -qq "$p" && dpkg-deb -x linux-image-*.deb kernel && find kernel -name '*.ko.xz' -exec xz -d {} +`)
	if err != nil {
		return t, fmt.Errorf("a kernel (linux-image-amd64) cannot be fetched: %w: %.200s", err, out)
	}
	if t.kernel, err = only(filepath.Join(dir, "kernel/boot/vmlinuz-*")); err != nil {
		return t, err
	}
	t.modules, err = only(filepath.Join(dir, "kernel/*/modules/*"), filepath.Join(dir, "kernel/usr/lib/modules/*"))
	return t, err
}

func shell(ctx context.Context, dir, script string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", script)
	cmd.Dir = dir
	return cmd.CombinedOutput()
}

// only returns the one path that a pattern matches, the first pattern that matches any.
func only(patterns ...string) (string, error) {
	for _, pattern := range patterns {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("the kernel's package has no %s", patterns[0])
}

// disk makes the server's disk.
func (t tools) disk(ctx context.Context, to string) error {
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(diskSize), f.Close()); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, t.mkfs, "-q", "-F", to).CombinedOutput(); err != nil {
		return fmt.Errorf("mkfs.ext4: %w: %s", err, out)
	}
	return nil
}

// initramfs writes the first file system: this program as /init, and the modules under the numbers of their order.
func (t tools) initramfs(to, self string) error {
	found := map[string]string{}
	err := filepath.WalkDir(t.modules, func(p string, d fs.DirEntry, err error) error {
		if base, ok := strings.CutSuffix(path.Base(p), ".ko"); ok && err == nil {
			found[strings.ReplaceAll(base, "-", "_")] = p
		}
		return err
	})
	if err != nil {
		return err
	}
	var order []string
	for _, m := range wanted {
		if order, err = load(found, order, m); err != nil {
			return err
		}
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	a := &archive{w: f}
	for _, dir := range []string{"proc", "sys", "dev", "srv", "mnt", "tmp", "modules", "var", "var/lib", "var/lib/nfs", "var/lib/nfs/v4recovery"} {
		a.add(dir, 0o40755, nil)
	}
	a.device("dev/console", 5, 1)
	a.device("dev/null", 1, 3)
	for i, m := range order {
		a.copy(fmt.Sprintf("modules/%02d-%s.ko", i, m), 0o100644, found[m])
	}
	a.copy("init", 0o100755, self)
	a.add("TRAILER!!!", 0, nil)
	return errors.Join(a.err, f.Close())
}

// load appends a module to the order, what it depends on before it.
func load(found map[string]string, order []string, module string) ([]string, error) {
	file := found[module]
	for _, done := range order {
		if done == module {
			return order, nil
		}
	}
	if file == "" {
		return order, nil // built in
	}
	f, err := elf.Open(file)
	if err != nil {
		return order, fmt.Errorf("%s: %w", file, err)
	}
	defer f.Close()
	s := f.Section(".modinfo")
	if s == nil {
		return order, fmt.Errorf("%s: no .modinfo", file)
	}
	info, err := s.Data()
	if err != nil {
		return order, err
	}
	for field := range bytes.SplitSeq(info, []byte{0}) {
		if text, ok := strings.CutPrefix(string(field), "depends="); ok && text != "" {
			for dep := range strings.SplitSeq(text, ",") {
				if order, err = load(found, order, strings.ReplaceAll(dep, "-", "_")); err != nil {
					return order, err
				}
			}
		}
	}
	return append(order, module), nil
}

// dynamic says whether a program needs an interpreter.
func dynamic(r io.ReaderAt) bool {
	f, err := elf.NewFile(r)
	if err != nil {
		return true
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return true
		}
	}
	return false
}

// archive writes the cpio format of the kernel, "newc" (Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	w     io.Writer
	inode int
	err   error
}

func (a *archive) copy(name string, mode int, from string) {
	data, err := os.ReadFile(from)
	if a.err == nil {
		a.err = err
	}
	a.add(name, mode, data)
}

func (a *archive) add(name string, mode int, data []byte) { a.entry(name, mode, 0, 0, data) }

// device adds a character device.
func (a *archive) device(name string, major, minor int) { a.entry(name, 0o20600, major, minor, nil) }

func (a *archive) entry(name string, mode, major, minor int, data []byte) {
	a.inode++
	var b bytes.Buffer
	b.WriteString("070701")
	for _, v := range []int{a.inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name) + 1, 0} {
		fmt.Fprintf(&b, "%08x", v)
	}
	pad := func() { b.Write(make([]byte, -b.Len()&3)) }
	b.WriteString(name + "\x00")
	pad()
	b.Write(data)
	pad()
	if a.err == nil {
		_, a.err = a.w.Write(b.Bytes())
	}
}
