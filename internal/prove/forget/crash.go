package forget

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
)

// sector is what a disk writes whole or not at all, in bytes.
const sector = 512

// pending returns the changes that a crash after a tick may lose, as indices into the log.
func (m *memory) pending(tick int) []int {
	var out []int
	for i, c := range m.log {
		if c.issued <= tick && c.synced > tick {
			out = append(out, i)
		}
	}
	return out
}

// fates returns in how many ways a change that was not synced may reach the disk, or not: 0 is not at all and 1 whole,
// which is all there is to entries and sizes. Data may get there in part, at the boundary of a sector, and a file may
// have got its size and not its data.
func (c *change) fates() int {
	switch {
	case c.op != write:
		return 2
	case (c.off+int64(len(c.data))-1)/sector == c.off/sector:
		return 3 // one sector: not, whole, or the size alone
	}
	return 6
}

// headLost is the fate of a write of which all but the first sector reached the disk.
const headLost = 4

// cut returns how many bytes of a torn write reached the disk: up to the first boundary of a sector within it, or up to
// the last.
func (c *change) cut(fate int) int64 {
	end := c.off + int64(len(c.data))
	first := min((c.off/sector+1)*sector, end)
	if fate == 2 {
		return first - c.off
	}
	return max((end-1)/sector*sector, first) - c.off
}

// crashed returns what is left after a crash: what was durable at that tick, and of the pending changes what their
// fates say.
func (m *memory) crashed(tick int, pending, fates []int) *memory {
	inodes := clone(m.base)
	next := 0
	for i := range m.log {
		c := &m.log[i]
		if c.issued > tick {
			break
		}
		fate := 1
		if next < len(pending) && pending[next] == i {
			fate = fates[next]
			next++
		}
		c.applyAs(inodes, fate)
	}
	out := &memory{inodes: inodes, next: m.next + 1000}
	out.settle()
	return out
}

func (c *change) applyAs(inodes map[uint64]*inode, fate int) {
	if fate == 1 {
		c.apply(inodes)
		return
	}
	if fate == 0 || c.op != write {
		return
	}
	part := *c
	n := inodes[c.ino]
	if size := c.off + int64(len(c.data)); int64(len(n.data)) < size && fate == c.fates()-1 {
		n.data, n.mtime = resized(n.data, size), max(n.mtime, c.at) // the size without the data
		return
	}
	if c.fates() == 3 {
		return
	}
	if cut := c.cut(fate); fate == headLost {
		part.off, part.data = c.off+c.cut(2), c.data[c.cut(2):]
	} else {
		part.data = c.data[:cut]
	}
	part.apply(inodes)
}

// image tells a disk from others: names and contents of all that can be reached.
func (m *memory) image() [sha256.Size]byte {
	h := sha256.New()
	var walk func(id uint64)
	walk = func(id uint64) {
		n := m.inodes[id]
		if !n.dir {
			h.Write(binary.LittleEndian.AppendUint64([]byte{'f'}, uint64(len(n.data))))
			h.Write(n.data)
			return
		}
		h.Write(binary.LittleEndian.AppendUint64([]byte{'d'}, uint64(len(n.entries))))
		for _, name := range slices.Sorted(maps.Keys(n.entries)) {
			h.Write([]byte(name))
			h.Write(binary.LittleEndian.AppendUint64([]byte{0}, n.entries[name]))
			walk(n.entries[name])
		}
	}
	walk(rootInode)
	return [sha256.Size]byte(h.Sum(nil))
}
