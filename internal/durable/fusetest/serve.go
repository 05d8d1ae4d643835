package fusetest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// ready is what a server says once its mount can be used.
const ready = "ready"

// serve mounts dir at mount, and serves it until its standard input ends.
func serve(dir, mount, options string) int {
	var o Options
	err := json.Unmarshal([]byte(options), &o)
	var server *fuse.Server
	if err == nil {
		server, err = mounted(dir, mount, o)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(ready)
	io.Copy(io.Discard, os.Stdin)
	unix.Unmount(mount, unix.MNT_DETACH)
	server.Wait()
	return 0
}

func mounted(dir, mount string, o Options) (*fuse.Server, error) {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return nil, err
	}
	data := &fs.LoopbackRoot{Path: dir, Dev: st.Dev ^ o.Salt}
	root := &node{LoopbackNode: fs.LoopbackNode{RootData: data}, links: o.Links}
	data.RootNode = root
	return fs.Mount(mount, root, &fs.Options{MountOptions: fuse.MountOptions{DirectMountStrict: true, FsName: dir, Name: "runsheet-test"}})
}

// node is a file of a mount.
type node struct {
	fs.LoopbackNode
	links Links
}

// WrapChild makes the files below a node such nodes as well.
func (n *node) WrapChild(_ context.Context, child fs.InodeEmbedder) fs.InodeEmbedder {
	return &node{LoopbackNode: fs.LoopbackNode{RootData: child.(*fs.LoopbackNode).RootData}, links: n.links}
}

func (n *node) real() string {
	return filepath.Join(n.RootData.Path, n.Path(n.RootData.RootNode.EmbeddedInode()))
}

// Open keeps O_APPEND, which loopback leaves to the kernel: of two mounts each would append where it saw the end last.
func (n *node) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	fd, err := syscall.Open(n.real(), int(flags)&^fuse.FMODE_EXEC, 0)
	if err != nil {
		return nil, 0, fs.ToErrno(err)
	}
	return fs.NewLoopbackFile(fd), 0, 0
}

// Link links as the options say.
func (n *node) Link(ctx context.Context, target fs.InodeEmbedder, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	t, ok := target.(*node)
	if !ok {
		return nil, syscall.EXDEV
	}
	old, path := t.real(), filepath.Join(n.real(), name)
	if _, err := os.Lstat(path); err == nil {
		return nil, syscall.EEXIST
	}
	var err error
	switch n.links {
	case Copies:
		err = copied(old, path)
	case Renames:
		err = os.Rename(old, path)
	case Symlinks:
		var st syscall.Stat_t
		if err = syscall.Lstat(old, &st); err == nil {
			err = os.Symlink(filepath.Base(old), path)
		}
		if err == nil {
			out.Attr.FromStat(&st) // the kernel takes no other kind of file for an answer, and asks again at once
			return t.EmbeddedInode(), 0
		}
	default:
		return n.LoopbackNode.Link(ctx, &t.LoopbackNode, name, out)
	}
	if err != nil {
		return nil, fs.ToErrno(err)
	}
	if n.links == Renames { // the node has another name now; to give out a second one would be to link
		_, parent := t.Parent()
		parent.MvChild(nameOf(t), n.EmbeddedInode(), name, true)
	}
	return n.Lookup(ctx, name, out)
}

func nameOf(n *node) string {
	name, _ := n.Parent()
	return name
}

func copied(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}
