package slurmtest

import (
	"testing"

	"golang.org/x/sys/unix"
)

// reservePorts returns n TCP ports that belong to this cluster until the end of the test, whether a daemon of it listens
// there or not: nobody else is given them, neither another cluster nor an outgoing connection, and where the daemon is
// away a connection is refused.
//
// A bound socket that does not listen keeps a port. The daemons set SO_REUSEADDR, so that they may bind what another
// socket has bound with it. These get it only after they were bound: among each other they conflict.
func reservePorts(t testing.TB, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Fatal(err)
		}
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			t.Fatal(err)
		}
		name, err := unix.Getsockname(fd)
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = name.(*unix.SockaddrInet4).Port
	}
	return ports
}
