package slurm

import (
	"bufio"
	"strconv"
	"strings"
	"time"
)

// batchMost is the most attempts that are put into one submission: the claims of a batch are written before it, and
// nobody should wait long for the first to start.
const batchMost = 1000

// config is what `scontrol show config` says that matters to us.
type config struct {
	maxArray   int           // one more than the highest number of a task; 0: not said, 1 and below: no arrays
	remembers  time.Duration // how long a job that is over is shown
	cluster    string        // what the cluster is called
	accounting bool          // there is an accounting database to ask
}

// parseConfig reads what `scontrol show config` printed: lines like "MaxArraySize            = 1001".
func parseConfig(out string) config {
	c := config{maxArray: 1001, remembers: 300 * time.Second} // slurm.conf(5): the defaults
	lines := bufio.NewScanner(strings.NewReader(out))
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), "=")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "MaxArraySize":
			if n, err := strconv.Atoi(value); err == nil {
				c.maxArray = n
			}
		case "MinJobAge":
			seconds, _, _ := strings.Cut(value, " ")
			if n, err := strconv.Atoi(seconds); err == nil {
				c.remembers = time.Duration(n) * time.Second
			}
		case "ClusterName":
			c.cluster = value
		case "AccountingStorageType":
			c.accounting = value != "" && !strings.HasSuffix(value, "/none") && value != "(null)"
		}
	}
	return c
}

// batch returns how many attempts one submission may have.
func (c config) batch() int { return max(min(c.maxArray, batchMost), 1) }
