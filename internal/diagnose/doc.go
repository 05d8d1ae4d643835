// Package diagnose says why an attempt failed, from how it ended and from the tail of its log.
//
// It reads text that was written for people, by programs it does not know. So what is certain (the kernel's word, the
// batch system's, a signal) goes before what a log says, the last failure in a log before earlier ones, and only the
// end of a log counts: a warning printed an hour ago is not why the run failed.
//
// The package is pure: it opens nothing and knows no clock. It may not decide what follows from a cause.
package diagnose
