package durable

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// FileSystem is the kind of file system that a path lies on.
type FileSystem struct {
	Name  string // "ext4", "nfs", or the magic number in hex
	Local bool   // no other machine can write to it
}

// localKinds are the file systems that are known to be local; all others count as shared between machines. ext2, ext3
// and ext4 share one magic number. The numbers are those of statfs(2).
var localKinds = map[int64]string{
	unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
	unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay",
}

// sharedKinds are names for some of the others, for messages.
var sharedKinds = map[int64]string{
	unix.NFS_SUPER_MAGIC: "nfs", unix.SMB_SUPER_MAGIC: "smb", unix.CIFS_SUPER_MAGIC: "cifs", unix.SMB2_SUPER_MAGIC: "smb2",
	unix.FUSE_SUPER_MAGIC: "fuse", unix.V9FS_MAGIC: "9p", unix.CEPH_SUPER_MAGIC: "ceph", unix.MSDOS_SUPER_MAGIC: "vfat",
	0x0bd00bd0: "lustre", 0x47504653: "gpfs", 0x19830326: "beegfs",
}

// FileSystemOf tells the file system of an existing path.
func FileSystemOf(path string) (FileSystem, error) {
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
		return FileSystem{name, true}, nil
	}
	if name, ok := sharedKinds[int64(st.Type)]; ok {
		return FileSystem{name, false}, nil
	}
	return FileSystem{fmt.Sprintf("%#x", uint32(st.Type)), false}, nil
}
