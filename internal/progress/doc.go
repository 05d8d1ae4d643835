// Package progress is the cache of progress: computed once, read whole, never stale. What Get returns is what the
// evidence said at some moment of the call.
//
// The evidence is the authority; the document on disk is a cache of it, which holds for as long as every witness that
// its tracker named is what it was. Readers take no lock. Of many callers that find the document missing or outdated,
// goroutines as well as processes, one computes, under the document's lock and after a second check, and the others
// get its result.
//
// The package reads evidence only through trackers. Besides the cache and its lock it writes one thing: progress.json
// in the original layout, where the training code has none of its own. It never replaces a document of the training
// code, makes no .runsheet directory, and never fails a caller because a cache cannot be written.
package progress
