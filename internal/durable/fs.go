package durable

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// FileSystem is the kind of file system that a path lies on.
type FileSystem struct {
	Name  string // "ext4", "nfs", or the magic number in hex
	Local bool   // no other machine can write to it
	// Volatile: it is in memory, and nothing on it survives a power cut or a reboot.
	Volatile bool
	// Pseudo: the kernel makes it up, and nobody keeps files there.
	Pseudo bool
}

// localKinds are the file systems that are known to be local; all others count as shared between machines. ext2, ext3
// and ext4 share one magic number. The numbers are those of statfs(2).
var localKinds = map[int64]string{
	unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
	unix.TMPFS_MAGIC: "tmpfs", unix.RAMFS_MAGIC: "ramfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay",
}

// pseudoKinds are what the kernel shows as files.
var pseudoKinds = map[int64]string{
	unix.PROC_SUPER_MAGIC: "proc", unix.SYSFS_MAGIC: "sysfs", unix.CGROUP_SUPER_MAGIC: "cgroup", unix.CGROUP2_SUPER_MAGIC: "cgroup2",
	unix.DEVPTS_SUPER_MAGIC: "devpts", unix.DEBUGFS_MAGIC: "debugfs", unix.TRACEFS_MAGIC: "tracefs", unix.SECURITYFS_MAGIC: "securityfs",
	unix.BPF_FS_MAGIC: "bpf", unix.PSTOREFS_MAGIC: "pstore", unix.EFIVARFS_MAGIC: "efivarfs", unix.BINFMTFS_MAGIC: "binfmt_misc",
	unix.NSFS_MAGIC: "nsfs", unix.SELINUX_MAGIC: "selinuxfs", unix.HUGETLBFS_MAGIC: "hugetlbfs", unix.AUTOFS_SUPER_MAGIC: "autofs",
	0x62656570: "configfs", 0x65735543: "fusectl", 0x19800202: "mqueue", 0x67596969: "rpc_pipefs",
}

// sharedKinds are names for some of the others, for messages.
var sharedKinds = map[int64]string{
	unix.NFS_SUPER_MAGIC: "nfs", unix.SMB_SUPER_MAGIC: "smb", unix.CIFS_SUPER_MAGIC: "cifs", unix.SMB2_SUPER_MAGIC: "smb2",
	unix.FUSE_SUPER_MAGIC: "fuse", unix.V9FS_MAGIC: "9p", unix.CEPH_SUPER_MAGIC: "ceph", unix.MSDOS_SUPER_MAGIC: "vfat",
	0x0bd00bd0: "lustre", 0x47504653: "gpfs", 0x19830326: "beegfs",
}

// FileSystemOf tells the file system of an existing path.
func FileSystemOf(path string) (FileSystem, error) {
	defer asked(path).answered()
	var st unix.Statfs_t
	for {
		err := unix.Statfs(path, &st)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return FileSystem{}, fmt.Errorf("statfs %s: %w", path, err)
		}
		break
	}
	if name, ok := localKinds[int64(st.Type)]; ok {
		return FileSystem{Name: name, Local: true, Volatile: name == "tmpfs" || name == "ramfs"}, nil
	}
	if name, ok := sharedKinds[int64(st.Type)]; ok {
		return FileSystem{Name: name}, nil
	}
	if name, ok := pseudoKinds[int64(st.Type)]; ok {
		return FileSystem{Name: name, Pseudo: true}, nil
	}
	return FileSystem{Name: fmt.Sprintf("%#x", uint32(st.Type))}, nil
}

// Born returns when a file was made, by the clock of its file system; ok is false where that does not tell.
func Born(path string) (at time.Time, ok bool) {
	defer asked(path).answered()
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BTIME, &st)
	if err != nil || st.Mask&unix.STATX_BTIME == 0 {
		return time.Time{}, false
	}
	return time.Unix(st.Btime.Sec, int64(st.Btime.Nsec)), true
}
