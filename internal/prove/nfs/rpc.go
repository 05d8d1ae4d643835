package nfs

import (
	"encoding/binary"
	"io"
	"net"
)

// Programs and procedures of ONC RPC (RFC 5531) that a server needs beside nfsd: the port mapper (RFC 1833), which nfsd
// registers with, and MOUNT version 3 (RFC 1813), by which a client of version 3 gets the first file handle.
const (
	mountProgram = 100005
	mountMNT     = 1
	mapperSet    = 1
	mapperUnset  = 2
	mapperPort   = 111
	mountPort    = 20048
)

// serveRPC answers both programs at a TCP port; handle returns the file handle of the export.
func serveRPC(port int, handle func() []byte) error {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{Port: port})
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				converse(c, handle)
			}()
		}
	}()
	return nil
}

// converse answers calls until the caller is gone, or sends what is no call of one fragment.
func converse(c io.ReadWriter, handle func() []byte) {
	for {
		var mark uint32 // RFC 5531, section 11
		if binary.Read(c, binary.BigEndian, &mark) != nil {
			return
		}
		call := make([]byte, mark&(1<<20-1))
		if _, err := io.ReadFull(c, call); err != nil || len(call) < 24 {
			return
		}
		word := func(i int) uint32 { return binary.BigEndian.Uint32(call[4*i:]) }
		program, procedure := word(3), word(5)
		answer := []uint32{word(0), 1, 0, 0, 0, 0} // a reply: accepted, no verifier, success
		var opaque []byte
		switch {
		case program == mountProgram && procedure == mountMNT:
			opaque = handle()
			answer = append(answer, 0, uint32(len(opaque)))
		case program != mountProgram && (procedure == mapperSet || procedure == mapperUnset):
			answer = append(answer, 1) // true
		}
		var body []byte
		for _, w := range answer {
			body = binary.BigEndian.AppendUint32(body, w)
		}
		body = append(body, opaque...)
		body = append(body, make([]byte, -len(body)&3)...)
		if opaque != nil {
			body = binary.BigEndian.AppendUint32(body, 1) // one flavour:
			body = binary.BigEndian.AppendUint32(body, 1) // AUTH_SYS
		}
		reply := binary.BigEndian.AppendUint32(nil, 1<<31|uint32(len(body)))
		if _, err := c.Write(append(reply, body...)); err != nil {
			return
		}
	}
}
