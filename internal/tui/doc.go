// Package tui shows a sheet on a terminal while it changes: the live view of `run`, the table of `status --watch`, and
// a plain line for each event where there is no terminal.
//
// What is shown is a pure function of a snapshot, events and the size of the terminal. The package reads no records,
// decides nothing, handles no key and no signal but that of a changed size: Ctrl-C goes where it always goes. It never
// makes the one who hands it a snapshot wait: a slow terminal is shown fewer pictures. It sets no mode of the terminal, so
// that one who is killed with -9 leaves it as it was.
package tui
