// Package check verifies what can be read off the disk of a project: that its records, its journal and its cached
// progress obey the rules that everything rests on, and what the file system below them can be trusted with.
//
// It reads only; a self-test works in a temporary directory of its own and removes it. It repairs nothing, takes no
// lock that anybody waits for, and signals no process.
//
// A project may be at work while it is checked. Records only ever appear, and in a known order, so they are read
// against it: an end before its start, a start before its claim, an attempt before the one below it, the journal
// before all of them. What is seen first then implies what is looked for afterwards, and a healthy project that is
// being written at that moment looks healthy. Whatever is suspected all the same is looked at once more, a moment later.
package check
