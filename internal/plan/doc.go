// Package plan decides what is to be done about every run: launch, wait, end, recover, leave or give up. It carries the
// hard logic of a launcher as a pure function of what was observed, so that its promises can be held against any number
// of made-up worlds: never two live attempts of a run, never more attempts than slots, no device given twice, and
// nothing left to launch in a world where its own plan has been carried out.
//
// It only decides. It may not act, read a file or a clock, wait, or remember anything between two calls.
package plan
