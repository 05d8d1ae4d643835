package cli

import (
	"errors"
	"fmt"
	"os"

	"runsheet"
	"runsheet/internal/launcher"
)

// placed makes it an error of the sheet where its runs lie among those of another one.
func placed(err error) error {
	if errors.Is(err, launcher.ErrForeign) {
		return usage(err, "")
	}
	return err
}

// distinct makes sure that no two runs have the same work dir under two names: what the sheet's text cannot tell, a
// symbolic link on the disk does.
func distinct(s *runsheet.Sheet) error {
	type seen struct {
		info os.FileInfo
		run  string
	}
	byDir := map[[2]int64][]seen{} // by what equal directories have in common, to compare few
	for _, r := range s.Runs {
		info, err := os.Stat(r.WorkDir)
		if err != nil {
			continue // not there yet, or its own run will say what is wrong with it
		}
		key := [2]int64{info.ModTime().UnixNano(), info.Size()}
		for _, other := range byDir[key] {
			if os.SameFile(info, other.info) {
				return usage(fmt.Errorf("two runs have the same work dir: %s: %s is %s by a symbolic link", r.Shown, r.Name, other.run),
					"give each a directory of its own: remove the link, or change work_dir in "+s.Path)
			}
		}
		byDir[key] = append(byDir[key], seen{info, r.Name})
	}
	return nil
}
