// Package report puts a snapshot into words: the document of `status --json`, the status table, and the results table
// in five formats.
//
// It reads snapshots and nothing else: no file, no clock (a snapshot carries its own time), no terminal (its width and
// whether it shows colours are handed in). Text that came from outside is stripped of control characters before it is
// shown. Nothing is invented: what is not known is null in JSON and empty or a dash in a table.
package report
