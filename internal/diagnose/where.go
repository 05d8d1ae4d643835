package diagnose

import (
	"path"
	"regexp"
	"strings"

	"runsheet"
)

var (
	pyFrame   = regexp.MustCompile(`^[ |+]*File "([^"]+)", line (\d+)`)
	richFrame = regexp.MustCompile(`^│ (\S+):(\d+) in `)
	library   = regexp.MustCompile(`(?:^|/)(?:site-packages|dist-packages|python3(?:\.\d+)?)/|^<`)
)

// innermost returns the line of the program that a traceback of Python ends at, as "train.py:12": the last one of the
// person's own code, or where all is of libraries the last one. Empty: there is none.
func innermost(trace []string) string {
	own, last := "", ""
	for _, line := range trace {
		m := pyFrame.FindStringSubmatch(line)
		if m == nil {
			m = richFrame.FindStringSubmatch(line)
		}
		if m == nil {
			continue
		}
		last = path.Base(m[1]) + ":" + m[2]
		if !library.MatchString(m[1]) {
			own = last
		}
	}
	if own == "" {
		return last
	}
	return own
}

var goLine = regexp.MustCompile(`^\t(\S+\.go:\d+)`)

// goFrame returns the first line of a goroutine's trace that is none of the runtime's.
func goFrame(trace []string) string {
	for _, line := range trace {
		if m := goLine.FindStringSubmatch(line); m != nil && !strings.Contains(m[1], "/src/runtime/") {
			return path.Base(m[1])
		}
	}
	return ""
}

// passes says whether a failure may be gone by itself at another try, whatever line of the program it came up at: it is
// about the world around the program, and not about the program. Where that is not certain it may.
func (f failure) passes() bool {
	said := f.line + f.more
	if ownFiles.MatchString(f.line) || strings.Contains(said, "device-side assert") {
		return false
	}
	switch classify(said) {
	case runsheet.CauseCUDAOutOfMemory, runsheet.CauseOutOfMemory, runsheet.CauseNoSpace:
		return true
	}
	return wrappers.MatchString(f.line) || systemError.MatchString(f.line) || aroundIt.MatchString(said) || deviceWords.MatchString(said)
}

var (
	// ownFiles are the errors of the system that tell what the program left in its own directory.
	ownFiles = regexp.MustCompile(`^(?:FileExistsError|IsADirectoryError|NotADirectoryError)\b`)
	// systemError matches what Python makes of the other errors of the system, and of services that a program talks to.
	systemError = regexp.MustCompile(`^(?:[\w.]*\.)?(?:OSError|IOError|EnvironmentError|\w*Permission\w*Error|InterruptedError|BlockingIOError|ChildProcessError` +
		`|ProcessLookupError|BrokenPipeError|EOFError|UnpicklingError|BadZipFile|JSONDecodeError|SafetensorError|OperationalError)\b` +
		`|^(?:requests|urllib3?|http|httpx|aiohttp|ssl|socket|grpc|paramiko|boto\w*|google|azure|wandb|mlflow|comet\w*|neptune|huggingface_hub|ray|redis|pymongo|psycopg2?)\.`)
	// aroundIt matches words about networks, services, file systems, files that somebody else is writing, and limits of a machine.
	aroundIt = regexp.MustCompile(`(?i)connection|\bconnect|disconnect|time[sd]?[- ]?out|unavailable|temporar|try again|network|\bhttps?\b|httperror|\bremote|\bssl\b|certificate` +
		`|resolve host|getaddrinfo|gaierror|name resolution|socket|\brpc\b|\bhub\b|rate.?limit|too many|\bquota\b|no space|stale file|input/output error|\bi/o error` +
		`|read-only file system|\bbusy\b|start new thread|shared memory|\bshm\b|\block(?:ed)?\b|transport endpoint|killed|exited unexpectedly|out of memory|allocat` +
		`|\[Errno |PytorchStreamReader|HDF5|truncated|corrupt`)
	// deviceWords matches what drivers and the libraries over them say.
	deviceWords = regexp.MustCompile(`CUDA|(?i:cudnn|cublas|cusolver|cusparse|cufft|nccl|rccl|\bgloo\b|nvidia|nvml|rocm)|\b(?:HIP|XLA|TPU|MPS|MPI|UCX|ECC)\b|ProcessGroup|\bDist\w*Error|c10d|Xid`)
)
