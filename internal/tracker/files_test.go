package tracker_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// checkTold holds what trackers tell of work dirs, without cutting any file of theirs.
func checkTold(t *testing.T, cases []tcase) {
	t.Helper()
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.dir, "/", "_"), func(t *testing.T) {
			dir := copied(t, filepath.Join("testdata", c.dir))
			if got := told(later(t, dir, c.spec, nil).Progress, c.metrics...); got != c.want {
				t.Errorf("told  %s\nwant  %s", got, c.want)
			}
		})
	}
}
