package recordtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"runsheet"
)

// Proc is one process: who it is. Whether it lives stands in the world.
type Proc struct {
	runsheet.Process
	Name    string
	Token   string // RUNSHEET_TOKEN in its environment; empty: none
	Session int    // 0: nobody's

	world *World
	actor *actor // who runs its program; nil: nobody
	ghost bool   // sees without being seen: no step, no trace
	memory
}

// memory is what a process knows of its past.
type memory struct {
	seen   uint64 // a hash of all that it has seen
	spawns int
	open   []descriptor
	waited time.Duration
	over   bool // its program is being cut short
}

// Died is what a step of a process that is dead panics with. Run recovers it.
type Died struct{ *Proc }

// Run runs the program of a process until its end or the death of the process, and says whether it died.
func Run(program func()) (died bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(Died); !ok {
				panic(r)
			}
			died = true
		}
	}()
	program()
	return false
}

// Start makes a process without a parent on a host that was booted under the given id. Hosts are told by their names, and
// all of them were made of one disk image.
func (w *World) Start(host, boot, name string) *Proc {
	p := &Proc{Name: name, world: w}
	p.Host, p.BootID, p.PIDNamespace, p.PID = host, boot, "pid:[1]", 100+w.started
	p.Machine = runsheet.Machine{ID: "image", Random: host}
	w.started++
	p.StartTime = uint64(p.PID)
	p.Enter()
	return p
}

// Spawn returns a child of p, which lives once it has entered the world. Its pid depends on nothing but how many
// children p had before it. It is no step.
func (p *Proc) Spawn(name, token string) *Proc {
	p.spawns++
	c := &Proc{Name: name, Token: token, world: p.world, Process: p.Process}
	c.PID = p.PID*100 + p.spawns
	c.StartTime = uint64(c.PID)
	return c
}

const dead = "dead"

// key tells the process from all others that could have its pid.
func (p *Proc) key() string {
	return strings.ReplaceAll(fmt.Sprint(p.PID, " ", p.Name, " ", p.Token, " ", p.Session), "/", "|")
}

func (p *Proc) life() place { return place{kind: inProc, n: int64(p.PID)} }

// Enter lets a process live. Like all that is no step it happens in a step of somebody, or before the first one.
func (p *Proc) Enter() {
	if p.world.known[p.key()] == nil {
		p.world.known[p.key()] = p
	}
	p.world.set(p.life(), p.key())
	p.eachList(p.key(), func(list []string, s string) []string { return append(list, s) })
}

// Dead says whether the process is gone.
func (p *Proc) Dead() bool { return p.world.get(p.life()) != p.key() }

// Kill ends the process, whatever it is doing: its locks are free, its children live on.
func (p *Proc) Kill() {
	if p.Dead() {
		return
	}
	p.world.set(p.life(), dead)
	p.drop(func(holder string) bool { return strings.HasPrefix(holder, strconv.Itoa(p.PID)+".") })
	p.eachList(p.key(), func(list []string, s string) []string {
		return slices.DeleteFunc(list, func(l string) bool { return l == s })
	})
	p.world.leave(p)
}

// eachList changes the lists in which a process stands.
func (p *Proc) eachList(key string, change func(list []string, s string) []string) {
	for _, pl := range []place{{kind: inLiving}, {kind: inToken, name: p.Token}, {kind: inSession, n: int64(p.Session)}} {
		if pl.kind == inToken && p.Token == "" || pl.kind == inSession && p.Session == 0 {
			continue
		}
		p.world.change(pl, func(list []string) []string { return change(list, key) })
	}
}

// Procs returns the processes that live.
func (w *World) Procs() []*Proc { return w.listed(place{kind: inLiving}) }

func (w *World) listed(p place) []*Proc {
	var out []*Proc
	for _, key := range split(w.get(p)) {
		out = append(out, w.known[key])
	}
	return out
}

// Ghost returns a system as p sees it now, whose calls are no steps and leave no trace in what p has seen. It is for
// looking only.
func (p *Proc) Ghost() *Proc {
	return &Proc{Process: p.Process, Name: p.Name, world: p.world, ghost: true}
}

// IsGhost says whether p is one.
func (p *Proc) IsGhost() bool { return p.ghost }

// World returns the world of the process.
func (p *Proc) World() *World { return p.world }

// Crash ends every process of a boot of a host.
func (w *World) Crash(boot string) {
	for _, p := range w.Procs() {
		if p.BootID == boot {
			p.Kill()
		}
	}
}
