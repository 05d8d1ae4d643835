package launcher

import (
	"errors"
	"fmt"
	"path/filepath"

	"runsheet"
	"runsheet/internal/durable"
)

// ErrForeign: work dirs of the sheet hold attempts of another one, made by another command.
var ErrForeign = errors.New("two sheets have one place")

// ownPlaces returns an error where a run would work among the attempts of another sheet, made by another command: it
// would take the other's results for its own, or go on from them.
func (l *Launcher) ownPlaces() error {
	var first *runsheet.Run
	var theirs *runsheet.Claim
	n := 0
	for i, f := range l.facts {
		if f.Foreign == nil {
			continue
		}
		if n++; n == 1 {
			first, theirs = &l.sheet.Runs[i], f.Foreign
		}
	}
	if n == 0 {
		return nil
	}
	return durable.WithHint(fmt.Errorf("nothing was started: %w: %d of %d runs of %s; the first is %s, in %s: %s: %s",
		ErrForeign, n, len(l.sheet.Runs), filepath.Base(l.sheet.Path), first.Name, first.Shown, runsheet.ForeignReason(*first, *theirs), theirs.Identity),
		runsheet.ForeignHint(*first, *theirs))
}
