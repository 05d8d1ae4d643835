package nfs

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// exported is where the server's disk is mounted.
const exported = "/srv"

// boot is what init does: it makes this the server, has the clients do their work, and restarts the machine, which ends
// the emulator.
func boot(rounds, seed string) {
	err := serve(rounds, seed)
	if err != nil {
		fmt.Printf("%s%v\n", failedMark, err)
	}
	fmt.Println(overMark)
	time.Sleep(100 * time.Millisecond) // the console is slow
	unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
	select {}
}

func serve(rounds, seed string) error {
	for _, m := range [][2]string{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"}} {
		if err := unix.Mount(m[0], m[1], m[0], 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("mount %s: %w", m[1], err)
		}
	}
	if console, err := os.OpenFile("/dev/ttyS0", os.O_RDWR, 0); err == nil {
		os.Stdout, os.Stderr = console, console
	}
	n, err := strconv.Atoi(rounds)
	if err != nil {
		return err
	}
	s, err := strconv.ParseUint(seed, 10, 64)
	if err != nil {
		return err
	}
	if err := modules(); err != nil {
		return err
	}
	if err := mountDisk(); err != nil {
		return err
	}
	if err := startServer(); err != nil {
		return fmt.Errorf("start nfsd: %w", err)
	}
	fmt.Println("the server is up")
	var all []*trial
	for i, st := range settings() {
		t := &trial{index: i, rng: newRand(s, i), outcome: outcome{Setting: st}, at: served}
		if err := t.run(n); err != nil {
			return fmt.Errorf("%s: round %d: %w", st, t.outcome.Rounds, err)
		}
		fmt.Printf("%s: %d rounds\n", st, t.outcome.Rounds)
		all = append(all, t)
	}
	// What counts is what is on the disk, not what the server remembers.
	if err := errors.Join(tell("/proc/fs/nfsd/threads", "0"), unmountDisk(), mountDisk()); err != nil {
		return fmt.Errorf("mount the server's disk again: %w", err)
	}
	for _, t := range all {
		t.lookUp()
		line, err := json.Marshal(t.outcome)
		if err != nil {
			return err
		}
		fmt.Printf("%s%s\n", outcomeMark, line)
	}
	return nil
}

// served is where the server has what a client sees at a path.
func served(path string) string { return exported + strings.TrimPrefix(path, mounted) }

// modules loads what lies in the initramfs, in its order.
func modules() error {
	files, err := filepath.Glob("/modules/*")
	if err != nil {
		return err
	}
	slices.Sort(files)
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		err = unix.FinitModule(int(f.Fd()), "", 0)
		f.Close()
		if err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("load %s: %w", file, err)
		}
	}
	return nil
}

func mountDisk() error {
	var err error
	for range 100 { // until the driver has found it
		if err = unix.Mount("/dev/vda", exported, "ext4", 0, ""); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("mount the disk: %w", err)
}

// unmountDisk waits until the server has let go of the disk.
func unmountDisk() error {
	for _, table := range []string{"nfsd.export", "nfsd.fh", "auth.unix.ip"} {
		if err := tell("/proc/net/rpc/"+table+"/flush", strconv.FormatInt(time.Now().Unix()+1, 10)); err != nil {
			return err
		}
	}
	var err error
	for range 200 {
		if err = unix.Unmount(exported, 0); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

// startServer starts nfsd without its programs: what they would tell the kernel is told here.
func startServer() error {
	if err := up("lo", netip.MustParseAddr("127.0.0.1")); err != nil {
		return err
	}
	for _, port := range []int{mapperPort, mountPort} {
		if err := serveRPC(port, rootHandle); err != nil {
			return err
		}
	}
	if err := unix.Mount("nfsd", "/proc/fs/nfsd", "nfsd", 0, ""); err != nil {
		return err
	}
	for _, t := range [][2]string{{"versions", "+3 +4 +4.1 +4.2"}, {"nfsv4leasetime", "10"}, {"nfsv4gracetime", "10"},
		{"portlist", "tcp 2049"}, {"threads", "4"}} {
		if err := tell("/proc/fs/nfsd/"+t[0], t[1]); err != nil {
			return err
		}
	}
	// There is nobody to come back. A server that refuses has its grace period: then the first client waits for it.
	if err := tell("/proc/fs/nfsd/v4_end_grace", "Y"); err != nil && !errors.Is(err, unix.EBUSY) {
		return err
	}
	return nil
}

// The flags of linux/nfsd/export.h: clients may use any port, are not held to the exported directory, and the file
// system has a number.
const exportFlags = 0x0002 | 0x0400 | 0x2000

// never is when what the server was told expires, in seconds since 1970.
const never = 2147483647

const domain = "clients"

// admit lets a client use the server, in the words of the caches that mountd fills otherwise.
func admit(address netip.Addr) error {
	return errors.Join(
		tell("/proc/net/rpc/auth.unix.ip/channel", fmt.Sprintf("nfsd %s %d %s", address, never, domain)),
		tell("/proc/net/rpc/nfsd.export/channel", fmt.Sprintf("%s %s %d %d 65534 65534 0", domain, exported, never, exportFlags)),
		tell("/proc/net/rpc/nfsd.fh/channel", fmt.Sprintf(`%s 1 \x00000000 %d %s`, domain, never, exported)))
}

// rootHandle asks the server for the file handle of the export; nil where it has none.
func rootHandle() []byte {
	f, err := os.OpenFile("/proc/fs/nfsd/filehandle", os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "%s %s 64\n", domain, exported); err != nil {
		return nil
	}
	text := make([]byte, 1024)
	n, err := f.Read(text)
	if err != nil {
		return nil
	}
	handle, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(string(text[:n])), `\x`))
	if err != nil {
		return nil
	}
	return handle
}

// tell writes a line into a file of the kernel.
func tell(file, line string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteString(line + "\n"); err != nil {
		return fmt.Errorf("%s: %q: %w", file, line, err)
	}
	return nil
}
