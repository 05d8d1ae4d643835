// Package tracker reads progress out of the evidence that training code leaves behind: one file for each kind of
// evidence, all behind the interface Tracker.
//
// A tracker writes nothing, takes no lock and knows of no cache. It reads the disk only through Evidence, which looks
// at every path before it is read, never blocks on what is no regular file, and bears only files of a bearable size.
// What a tracker's answer depends on it names as witnesses: as long as they hold, so does the answer.
package tracker
