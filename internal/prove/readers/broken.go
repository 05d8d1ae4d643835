package readers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/progress"
	"runsheet/internal/prove/method"
	"runsheet/internal/record"
)

// broken are documents of the training code that a crash may leave behind for good.
func broken() []string {
	return []string{"", `{"completed_epochs": `, `{"completed_epochs": 12, "total_epochs": 2`, "\x00\x00\x00\x00", `[1, 2`}
}

// staysBroken: a document of the training code that stays broken is an error that names it; it is never taken for an
// absent one, never for no progress, and never replaced.
func staysBroken(ctx context.Context, c method.Config, r *method.Result) error {
	texts := broken()
	dirs := make([]string, len(texts))
	for i, text := range texts {
		_, dir, err := place(c, fmt.Sprintf("broken-%d", i))
		if err == nil {
			err = os.Mkdir(record.Dir(dir), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "progress.json"), []byte(text), 0o666)
		}
		if err != nil {
			return err
		}
		dirs[i] = dir
	}
	answers := make([]runsheet.Progress, len(texts))
	var wg sync.WaitGroup
	for i, dir := range dirs { // side by side: each takes as long as a writer is given
		wg.Go(func() {
			cache := progress.New(durable.OS(), progress.Options{CacheDir: filepath.Join(c.Dir, "cache")})
			answers[i] = cache.Get(ctx, dir, specOf(kindForeign), false)
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for i, p := range answers {
		if p.Error == "" || p.Completed != 0 || p.Total != 0 {
			r.Violate("a broken progress.json (%q) of the training code was taken for %+v", texts[i], p)
		}
		data, err := os.ReadFile(filepath.Join(dirs[i], "progress.json"))
		if err != nil || string(data) != texts[i] {
			r.Violate("a broken progress.json (%q) of the training code was replaced: %q, %v", texts[i], data, err)
		}
	}
	return nil
}
