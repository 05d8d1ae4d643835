package host

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// limits is what the cgroups of this process allow, and the allocation of a scheduler that it runs in; 0 where they set none.
type limits struct {
	cpus   float64
	memory int64
	left   int64 // bytes until the first of the groups is full, counting what the kernel can drop at once as left
}

// apply lowers a sample to the limits.
func (l limits) apply(s *Sample) {
	if l.cpus > 0 && l.cpus < float64(s.CPUs) {
		s.CPUs = max(1, int(l.cpus))
	}
	if l.memory > 0 {
		s.Memory = min(s.Memory, l.memory)
		s.MemoryFree = min(s.MemoryFree, l.left)
	}
}

// limitsIn reads the limits of this process's cgroups, of both versions and of all groups above its own, for each
// counts. root is the file system's root; the controllers are looked for where systemd and containers mount them.
func limitsIn(root string) limits {
	data, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return limits{}
	}
	var l limits
	for line := range strings.Lines(string(data)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3) // hierarchy:controllers:path, cgroups(7)
		if len(f) != 3 {
			continue
		}
		mount := filepath.Join(root, "sys/fs/cgroup")
		if f[0] == "0" && f[1] == "" {
			if unified := filepath.Join(mount, "unified"); isDir(unified) {
				mount = unified
			}
			for _, dir := range upwards(mount, f[2]) {
				l.version2(dir)
			}
			continue
		}
		for controller := range strings.SplitSeq(f[1], ",") {
			if controller == "memory" || controller == "cpu" {
				for _, dir := range upwards(filepath.Join(mount, controller), f[2]) {
					l.version1(dir)
				}
			}
		}
	}
	return l
}

// allocation takes the memory of the Slurm job that this process runs in into account, which not every cluster has a cgroup
// for. env looks up a variable of the environment. An interactive allocation has the variables in a shell of the login node,
// too, where they limit nothing: only on a node of the job SLURMD_NODENAME is set (sbatch(1), salloc(1), srun(1)). What the
// job has used of it is not known.
func (l *limits) allocation(env func(string) string) {
	number := func(name string) int64 {
		n, err := strconv.ParseInt(env(name), 10, 64)
		if err != nil || n < 0 || n > 1<<30 {
			return 0
		}
		return n
	}
	if env("SLURMD_NODENAME") == "" {
		return
	}
	const megabyte = 1 << 20
	if n := number("SLURM_MEM_PER_NODE"); n > 0 {
		l.lowerMemory(float64(n*megabyte), 0)
	} else if n := number("SLURM_MEM_PER_CPU") * number("SLURM_CPUS_ON_NODE"); n > 0 {
		l.lowerMemory(float64(n)*megabyte, 0)
	}
}

// upwards returns the directories of a group and of those above it. In a container the path may be the host's while
// only the container's own part is mounted: what is missing is passed over, and the mount itself is its group.
func upwards(mount, path string) (dirs []string) {
	for path = filepath.Join("/", path); ; path = filepath.Dir(path) {
		if dir := filepath.Join(mount, path); isDir(dir) {
			dirs = append(dirs, dir)
		}
		if path == "/" {
			return dirs
		}
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// version2 takes a group's cpu.max, "quota period" or "max period", and memory.max into account; see
// Documentation/admin-guide/cgroup-v2.rst.
func (l *limits) version2(dir string) {
	if data, err := os.ReadFile(filepath.Join(dir, "cpu.max")); err == nil {
		if f := strings.Fields(string(data)); len(f) == 2 {
			quota, err1 := strconv.ParseFloat(f[0], 64)
			period, err2 := strconv.ParseFloat(f[1], 64)
			if err1 == nil && err2 == nil {
				l.lowerCPUs(quota, period)
			}
		}
	}
	limit, ok := readNumber(filepath.Join(dir, "memory.max"))
	used, _ := readNumber(filepath.Join(dir, "memory.current"))
	if ok {
		l.lowerMemory(limit, used-statOf(dir, "inactive_file"))
	}
}

// version1 takes a group's quota and limit of the first version into account. No quota is -1 there, no limit a number
// near the largest.
func (l *limits) version1(dir string) {
	quota, ok1 := readNumber(filepath.Join(dir, "cpu.cfs_quota_us"))
	period, ok2 := readNumber(filepath.Join(dir, "cpu.cfs_period_us"))
	if ok1 && ok2 {
		l.lowerCPUs(quota, period)
	}
	limit, ok := readNumber(filepath.Join(dir, "memory.limit_in_bytes"))
	used, _ := readNumber(filepath.Join(dir, "memory.usage_in_bytes"))
	if ok {
		l.lowerMemory(limit, used-statOf(dir, "total_inactive_file"))
	}
}

func (l *limits) lowerCPUs(quota, period float64) {
	if quota > 0 && period > 0 && (l.cpus == 0 || quota/period < l.cpus) {
		l.cpus = quota / period
	}
}

// lowerMemory keeps the group in which the least is left.
func (l *limits) lowerMemory(limit, used float64) {
	if limit <= 0 || limit >= 1<<60 {
		return
	}
	used = max(used, 0)
	left := max(0, int64(limit)-int64(used))
	if l.memory == 0 || left < l.left {
		l.left = left
	}
	if l.memory == 0 || int64(limit) < l.memory {
		l.memory = int64(limit)
	}
}

// statOf returns a number of a group's memory.stat, 0 where it has none.
func statOf(dir, name string) float64 {
	data, err := os.ReadFile(filepath.Join(dir, "memory.stat"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == name {
			v, _ := strconv.ParseFloat(f[1], 64)
			return v
		}
	}
	return 0
}

func readNumber(path string) (float64, bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(string(data)), 64)
	return v, err == nil && !math.IsNaN(v)
}
