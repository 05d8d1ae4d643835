// Package record is what keeps two attempts of one run from living at once, and an acknowledged end from being lost.
// It is the only package that knows the names of the records: claims, starts, ends, requests and locks.
//
// Claim, start, fence, end and takeover are plain sequential functions over a System, an interface of file system,
// locks, clock and processes. One call on it is one step, so that a scheduler behind the interface can drive this very
// code through every interleaving.
//
// The one primitive is the write-once document: a compare-and-swap on a name. Locks only witness that a process lives;
// nothing is decided by holding one, except that nobody else is about to write the same end.
//
// The package starts no process and reads no evidence; it ends processes only in TakeOver, after their identity was
// compared.
package record
