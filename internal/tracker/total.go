package tracker

import (
	"regexp"
	"strconv"
	"strings"
)

// Where the original layout tells the total when progress.json does not: config.json, which is a Python repr and no
// JSON, and the logs. (danielmao2019/Pylon, runners/trainers/base_trainer.py, utils/logging)
const (
	configName = "config.json"
	logPrefix  = "train_val_"
	logSuffix  = ".log"
	maxLogHead = 256 << 10 // bytes of a log that are searched
	maxLogs    = 10_000    // sessions
)

// epochLine matches what a log says of an epoch and of how many there will be.
var epochLine = regexp.MustCompile(`^(?:\[[A-Z]+\] \S+ \S+ - )?(?:Training|Validation) \[Epoch \d+/(\d{1,9})\]\[Iteration \d+/\d+\]\.`)

// configuredEpochs returns the total that the training code's configuration or its newest log tell; 0: neither does.
// The larger one holds: of a training in stages the configuration knows only the first.
func configuredEpochs(ev *Evidence) (int64, error) {
	var total int64
	ev.Witness(configName)
	if st, err := ev.Look(configName); err == nil && st.Kind == Regular && st.Size <= maxConfig {
		text, err := ev.readAll(configName, maxConfig)
		if err != nil && !absent(err) {
			return 0, err
		}
		total = reprEpochs(string(text))
	}
	logged, err := loggedEpochs(ev)
	return max(total, logged), err
}

// loggedEpochs returns the total that the newest log tells.
func loggedEpochs(ev *Evidence) (int64, error) {
	name := func(k int) string { return logPrefix + strconv.Itoa(k) + logSuffix }
	k := 0
	for ; k < maxLogs; k++ {
		if st, err := ev.Look(name(k)); err != nil || st.Kind == Absent {
			break
		}
	}
	ev.Witness(name(k)) // a later session may have another total
	if k == 0 {
		return 0, nil
	}
	newest := name(k - 1)
	var total int64
	said, err := ev.headLines(newest, maxLogHead, func(_ int, line []byte) bool {
		m := epochLine.FindSubmatch(line)
		if m != nil {
			total, _ = parseCount(string(m[1]))
		}
		return m == nil
	})
	switch {
	case absent(err):
		return 0, nil
	case err != nil:
		return 0, err
	case said:
		ev.WitnessIdentity(newest) // it grows, and goes on to say the same
		return total, nil
	}
	ev.Witness(newest) // it may say so later
	return 0, nil
}

// reprEpochs finds 'epochs': N in the repr of a Python dict, at its outermost level only: early stopping has an
// 'epochs' of its own further in. It returns 0 where there is none.
func reprEpochs(text string) int64 {
	depth := 0
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case '{', '(', '[':
			depth++
		case '}', ')', ']':
			depth--
		case '\'', '"':
			end := i + 1
			for end < len(text) && text[end] != c {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(text) {
				return 0
			}
			word := text[i+1 : end]
			i = end + 1
			if depth != 1 || word != "epochs" {
				continue
			}
			rest, ok := strings.CutPrefix(strings.TrimLeft(text[i:], " \t\r\n"), ":")
			if !ok {
				continue
			}
			rest = strings.TrimLeft(rest, " \t\r\n")
			digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
			if n, err := strconv.ParseInt(digits, 10, 64); err == nil && n <= maxEpochs {
				return n
			}
			return 0
		}
		i++
	}
	return 0
}
