package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"time"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// grep prints the lines of the logs of some runs that a pattern matches, of all their attempts or of one, and counts them.
func grep(ctx context.Context, env Env, s *runsheet.Sheet, which []int, pattern string, attempt int) error {
	want, err := regexp.Compile(pattern)
	if err != nil {
		return usage(fmt.Errorf("--grep: %w", err), `it is a regular expression: write \( for (, \[ for [, \. for a dot`)
	}
	some := only(s, which)
	facts := newObserver(env).Brief(ctx, some.Runs)
	lines, runs, failed := 0, 0, 0
	for i, run := range some.Runs {
		if err := unreadable(run, facts[i], s.Policy); err != nil {
			complain(env, err)
			failed++
			continue
		}
		first, last := 1, facts[i].Attempt
		if attempt > 0 {
			first, last = attempt, min(attempt, last)
		}
		before := lines
		for n := first; n <= last && ctx.Err() == nil; n++ {
			found, err := grepLog(ctx, env, run, n, want)
			lines += found
			if err != nil && ctx.Err() == nil && !errors.Is(err, fs.ErrNotExist) { // one that never began has no log
				complain(env, fmt.Errorf("attempt %d of %s: %w", n, run.Name, err))
				failed++
			}
		}
		if lines > before {
			runs++
		}
	}
	env.say("%s in %d of %s", count(lines, "line"), runs, count(len(some.Runs), "run"))
	if ctx.Err() != nil {
		return exit(exitStopped)
	}
	if lines == 0 || failed > 0 {
		return exit(exitFailed)
	}
	return nil
}

// unreadable says why the log of a run cannot be shown, where nothing can be known of it.
func unreadable(run runsheet.Run, f runsheet.Facts, p runsheet.Policy) error {
	switch {
	case f.Foreign != nil:
		return hinted(fmt.Errorf("%s: %s", run.Name, f.Problem), runsheet.ForeignHint(run, *f.Foreign))
	case !f.Silent.IsZero():
		return errors.New(runsheet.Judge(run, f, p, time.Now()).Reason)
	case f.Problem != "":
		return errors.New(f.Problem)
	}
	return nil
}

// grepLog prints the lines of one log that match, and returns how many they are. As with whole logs, a terminal gets their
// text and colours alone, and what is no terminal every byte.
func grepLog(ctx context.Context, env Env, run runsheet.Run, attempt int, want *regexp.Regexp) (found int, err error) {
	log, err := durable.OpenRegular(env.Disk, "logs", record.LogPath(record.AttemptDir(run.WorkDir, attempt)))
	if err != nil {
		return 0, err
	}
	defer log.Close()
	drawn := isTerminal(env.Out)
	err = eachLine(log, func(number int, text []byte) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !want.Match(text) && !(bytes.IndexByte(text, 0x1b) >= 0 && want.MatchString(diagnose.Clean(string(text)))) {
			return nil
		}
		found++
		if _, err := fmt.Fprintf(env.Out, "%s attempt %d, line %d: ", diagnose.Clean(run.Name), attempt, number); err != nil {
			return err
		}
		if !drawn {
			_, err := env.Out.Write(append(text, '\n'))
			return err
		}
		c := diagnose.NewCleaner(env.Out) // one for each line, so that no line's colours reach the next
		if _, err := c.Write(text); err != nil {
			return err
		}
		if err := c.Close(); err != nil {
			return err
		}
		_, err := io.WriteString(env.Out, "\n")
		return err
	})
	return found, err
}

// longestText is how much of a line is looked at as one text.
const longestText = 256 << 10

// eachLine calls do for each text of a log and the number of its line, counted from 1. A progress bar that is drawn over and
// over makes several texts of a line, and so does a line that is longer than longestText. The text may be appended to.
func eachLine(r io.Reader, do func(number int, text []byte) error) error {
	scan := bufio.NewScanner(r)
	scan.Buffer(make([]byte, 64<<10), longestText+1)
	scan.Split(func(data []byte, end bool) (int, []byte, error) {
		if i := bytes.IndexAny(data, "\r\n"); i >= 0 {
			return i + 1, data[:i+1], nil
		}
		if len(data) > 0 && (end || len(data) >= longestText) {
			return len(data), data, nil
		}
		return 0, nil, nil
	})
	number := 1
	for scan.Scan() {
		text := scan.Bytes()
		line := bytes.TrimRight(text, "\r\n")
		if len(line) > 0 {
			if err := do(number, bytes.Clone(line)); err != nil {
				return err
			}
		}
		if bytes.HasSuffix(text, []byte("\n")) {
			number++
		}
	}
	return scan.Err()
}
