// Package durable is how Runsheet touches files: a document is read whole or not at all, written once or replaced
// atomically, and what was acknowledged survives a kill -9 and a power cut.
//
// Every operation on a file goes through a Disk and carries a label, so that a test can fail exactly that one, or die
// there. The package knows nothing of what the files mean, and never decides what a conflict between two writers
// means: ErrExists tells the caller that somebody else was first.
//
// The steps and their order follow what was measured on ext4, XFS and NFS: without the fsync of the file a rename can
// leave an empty document behind, and without the fsync of the directory the last acknowledged one is lost.
package durable
