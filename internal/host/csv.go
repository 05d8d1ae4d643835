package host

import (
	"fmt"
	"strconv"
	"strings"

	"runsheet/internal/diagnose"
)

// nvidia-smi's CSV (noheader, nounits): one row a line, fields parted by ", " and never quoted, sizes in MiB. What is
// not known stands in brackets: [N/A], [Not Supported], [Unknown Error], [Insufficient Permissions].
//
// The one free text of a row, a name, may itself hold commas. So it is asked for in the middle, and rows are read from
// both ends.

// gpuFields lists the fields asked for: two, the name, five, and one that old drivers do not know.
func gpuFields(noMIG bool) string {
	const fields = "index,uuid,name,memory.total,memory.used,memory.free,utilization.gpu,power.draw"
	if noMIG {
		return fields
	}
	return fields + ",mig.mode.current"
}

// parseGPUs reads the rows of --query-gpu. A line that is no row is what nvidia-smi says about a GPU that it cannot
// reach: it goes to problems.
func parseGPUs(out string, noMIG bool) (gpus []GPU, problems []string) {
	tail := 6
	if noMIG {
		tail = 5
	}
	for line := range strings.Lines(out) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		head, name, rest, ok := row(line, 2, tail)
		index, err := strconv.Atoi(field(head, 0))
		if !ok || err != nil || index < 0 {
			problems = append(problems, clean(line))
			continue
		}
		g := GPU{
			Index: index, UUID: head[1], Name: clean(name),
			Memory: mebibytes(rest[0]), MemoryUsed: mebibytes(rest[1]), MemoryFree: mebibytes(rest[2]),
			Utilisation: number(rest[3]), Power: number(rest[4]),
			MIG: !noMIG && rest[5] == "Enabled",
		}
		if g.Utilisation != Unknown {
			g.Utilisation /= 100
		}
		if g.MemoryFree == Unknown && g.Memory != Unknown && g.MemoryUsed != Unknown {
			g.MemoryFree = max(g.Memory-g.MemoryUsed, 0)
		}
		gpus = append(gpus, g)
	}
	return gpus, problems
}

// addProcesses reads the rows of --query-compute-apps and adds them to their GPUs. Lines that are no row, and rows of
// GPUs that are not among them (an instance of MIG has a UUID of its own), are left out.
func addProcesses(gpus []GPU, out string) {
	for line := range strings.Lines(out) {
		head, name, rest, ok := row(line, 2, 1)
		pid, err := strconv.Atoi(field(head, 1))
		if !ok || err != nil {
			continue
		}
		for i := range gpus {
			if gpus[i].UUID == head[0] {
				gpus[i].Processes = append(gpus[i].Processes, GPUProcess{PID: pid, Name: baseName(clean(name)), Memory: mebibytes(rest[0])})
			}
		}
	}
}

// row parts a line into its first fields, the free text and its last fields.
func row(line string, first, last int) (head []string, middle string, tail []string, ok bool) {
	f := strings.Split(line, ",")
	if len(f) < first+1+last {
		return nil, "", nil, false
	}
	middle = strings.TrimSpace(strings.Join(f[first:len(f)-last], ","))
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	return f[:first], middle, f[len(f)-last:], true
}

func field(f []string, i int) string {
	if i < len(f) {
		return f[i]
	}
	return ""
}

func number(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || !(v >= 0 && v < 1e12) {
		return Unknown
	}
	return v
}

func mebibytes(s string) int64 {
	v := number(s)
	if v == Unknown {
		return Unknown
	}
	return int64(v * (1 << 20))
}

// baseName shortens a program's path to its name. Some drivers give the whole command line.
func baseName(s string) string {
	program, _, _ := strings.Cut(s, " ")
	if i := strings.LastIndexByte(program, '/'); i >= 0 && i+1 < len(program) {
		return program[i+1:]
	}
	return s
}

func clean(s string) string { return diagnose.Clean(s) }

// String describes a process in a few words, as "alice: python 20 GiB".
func (p GPUProcess) String() string {
	user := p.User
	if user == "" {
		user = fmt.Sprintf("process %d", p.PID)
	}
	s := user + ": " + p.Name
	if p.Memory > 0 {
		s += " " + size(p.Memory)
	}
	return s
}
