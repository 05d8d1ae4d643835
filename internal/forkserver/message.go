package forkserver

import "syscall"

// request is what the fork server is to start. Names and words are bytes: what the operating system takes need not be text.
type request struct {
	Path    []byte
	Args    [][]byte
	Env     [][]byte
	Dir     []byte
	Session bool // of its own; otherwise it has a process group of its own
	Stdout  bool // a descriptor for it came with the request
	Stderr  bool
}

// answer tells that a process was started, or why not, and later how it ended.
type answer struct {
	PID    int           `json:",omitempty"`
	Errno  syscall.Errno `json:",omitempty"`
	Exited bool          `json:",omitempty"`
	Status uint32        `json:",omitempty"` // as wait(2) gives it
}

// order is what is to be done to a process that was started.
type order struct {
	Signal syscall.Signal // to its group
}

func toBytes(words []string) [][]byte {
	out := make([][]byte, len(words))
	for i, w := range words {
		out[i] = []byte(w)
	}
	return out
}

func toStrings(words [][]byte) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}
