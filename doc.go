// Package runsheet holds the nouns of Runsheet and the judgement over them.
//
// A Sheet lists Runs; a Run is one command with one work dir; an Attempt is one execution of a run, told by its
// records (Claim, Start, End). What is known of a run at one moment are its Facts; Judge turns facts into a Status,
// which is never stored. The package is pure: it imports no os, no net, starts no goroutine, reads no clock. Anything
// that it needs to know of the world is handed to it.
package runsheet
