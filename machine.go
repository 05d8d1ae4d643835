package runsheet

// Machine tells a machine from all others, across its reboots. Names and addresses reach a machine; they never identify
// it. Records of older versions, and machines that have no such ids, have the zero value.
type Machine struct {
	ID     string `json:"id,omitempty"`     // made of /etc/machine-id, which images carry along: their clones share it
	Random string `json:"random,omitempty"` // drawn once and kept on its own disk, where a copied home directory carries it along
}

// Same says whether a and b are one machine for certain; false is no proof that they are two.
//
// Both ids must be known and equal. To take two machines for one would call an attempt dead that lives on the other, and
// each id alone can be on two machines: the first where a disk image was cloned, the second where files were copied to
// another machine. To take one machine for two costs a question to a person.
func (a Machine) Same(b Machine) bool { return a == b && a.ID != "" && a.Random != "" }
