package plan

import "runsheet"

// Over says whether nothing more comes of a run by itself: nothing of it lives, and nobody will launch it again. launched:
// a launcher holds its sheet; gaveUp: it has given the run up.
func Over(o runsheet.Observed, p runsheet.Policy, launched, gaveUp bool) bool {
	switch o.Status {
	case runsheet.Finished, runsheet.Stopped:
		return true
	case runsheet.Outdated:
		return !launched || gaveUp || !p.RerunOutdated
	case runsheet.Failed:
		return !launched || gaveUp
	case runsheet.Pending:
		return launched && gaveUp
	}
	return false
}

// Lives says whether a run may come further without a launcher: something of it is at work, or waits in a queue.
func Lives(o runsheet.Observed) bool {
	switch o.Status {
	case runsheet.Running, runsheet.Stuck:
		return true
	case runsheet.Queued:
		return !o.Unsubmitted()
	}
	return false
}
