package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/progress"
	"runsheet/internal/record"
	"runsheet/internal/tracker"
)

// trial is one call of a reader, and where the writer's next steps fall in it.
type trial struct {
	script *script
	weather
	warmth
	start  int   // steps that were done before
	placed []int // the operations of the reader before which the next steps are done
}

// outcome is what came of a trial.
type outcome struct {
	trace   []op // the reader's operations on the evidence
	settled bool
	wrong   string
}

// moment is the evidence between two steps, and how it is asked for then.
type moment struct {
	disk *memory
	spec runsheet.ProgressSpec
	said map[light]string // what it says
}

// light is how old files look to who reads them.
type light int

const (
	old     light = iota // nobody has touched them for long
	young                // they have changed just now
	touched              // they move while they are read
)

// stage is a trial that goes on.
type stage struct {
	trial
	disk  *memory
	cache *progress.Cache
	spec  runsheet.ProgressSpec
	cuts  []runsheet.Cut // that are known from the ends of attempts
	done  int            // steps
	moved bool           // a name was made, removed or given to another file during the call
	fault func(runsheet.Progress) runsheet.Progress
}

// play plays a trial.
func (t trial) play(locks *os.File) outcome { return t.playWith(locks, nil) }

// playWith plays a trial with a fault that a test plants into the answers.
func (t trial) playWith(locks *os.File, fault func(runsheet.Progress) runsheet.Progress) outcome {
	s := &stage{trial: t, disk: newMemory(t.weather, locks), spec: t.script.spec, fault: fault}
	s.before()
	return s.call()
}

func (s *stage) options() progress.Options {
	return progress.Options{CacheDir: "/cache", Now: func() time.Time { return s.disk.now }, Sleep: s.disk.sleep,
		Tick: func(string, []tracker.Witness) time.Duration { return s.tick }, Slice: s.slice}
}

// sleep lets time pass; the writer may do something meanwhile.
func (m *memory) sleep(_ context.Context, d time.Duration) error {
	m.turn("wait", "")
	m.now = m.now.Add(d)
	return nil
}

// newProcess is a reader that has just started.
func (s *stage) newProcess() { s.cache = progress.New(s.disk, s.options()) }

func (s *stage) get() runsheet.Progress {
	p := s.cache.Get(context.Background(), workDir, s.spec, false)
	if s.fault != nil {
		p = s.fault(p)
	}
	return p
}

// before brings the evidence, and what the reader knows of it, to where the call begins.
func (s *stage) before() {
	quietly(func(m *memory) error { return m.directories(".runsheet") })(s.disk)
	for _, b := range s.script.setup {
		b.do(s.disk)
	}
	s.disk.now = s.disk.now.Add(age)
	s.newProcess()
	for {
		if s.reads && s.done == max(s.start-s.lag, 0) {
			if !s.warmth.young {
				s.disk.now = s.disk.now.Add(age)
			}
			s.newProcess()
			s.first()
		}
		if s.done == s.start {
			break
		}
		s.step()
	}
	if !s.soon {
		s.disk.now = s.disk.now.Add(age)
	}
	if !s.same {
		s.newProcess()
	}
	if !s.reads {
		s.forget()
	}
}

// first is the reading before the call: it may be called off.
func (s *stage) first() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	s.disk.before = func(o op) {
		if ofEvidence(o) {
			n++
		}
		if n == s.off {
			cancel()
		}
	}
	s.cache.Get(ctx, workDir, s.spec, false)
	s.disk.before = nil
}

// forget removes what earlier readings have left.
func (s *stage) forget() {
	quietly(func(m *memory) error {
		for _, path := range []string{record.ProgressPath(workDir), "/cache"} {
			if m.at(path) != nil {
				if err := m.Remove("", path); err != nil {
					return err
				}
			}
		}
		return nil
	})(s.disk)
	s.newProcess()
}

// step lets the writer do its next step.
func (s *stage) step() {
	st := s.script.steps[s.done]
	s.disk.now = s.disk.now.Add(s.pause)
	was := s.disk.number(st)
	st.do(s.disk)
	s.moved = s.moved || s.disk.number(st) != was
	s.done++
	if st.end == killed || st.end == exited {
		// Its supervisor reads the evidence once more, and the claim of the next one holds where lines were cut.
		s.spec.Exited = st.end == exited
		p := progress.New(s.disk, s.options()).Get(context.Background(), workDir, s.spec, false)
		s.cuts = append(s.cuts[:len(s.cuts):len(s.cuts)], p.Cuts...)
	}
	if st.end == killed || st.end == claimed {
		s.spec.Exited, s.spec.Cuts = false, s.cuts
	}
}

// moment keeps how things stand.
func (s *stage) moment() *moment {
	return &moment{disk: s.disk.clone(), spec: s.spec, said: map[light]string{}}
}

// ofEvidence says whether an operation is one on the evidence: our own files change by nobody else's hand.
func ofEvidence(o op) bool {
	rel, below := strings.CutPrefix(o.path, workDir+"/")
	switch {
	case o.path == "" || o.path == workDir:
		return true
	case !below:
		return false
	case !strings.HasPrefix(rel, ".runsheet"):
		return true
	}
	return strings.HasPrefix(rel, ".runsheet/attempts")
}

// call lets the reader read, and judges its answer.
func (s *stage) call() (out outcome) {
	moments := []*moment{s.moment()}
	s.moved = false
	placed := s.placed
	s.disk.before = func(o op) {
		if !ofEvidence(o) {
			return
		}
		for len(placed) > 0 && placed[0] <= len(out.trace) {
			placed = placed[1:]
			s.step()
			moments = append(moments, s.moment())
		}
		out.trace = append(out.trace, o)
	}
	p := s.get()
	s.disk.before = nil
	out.settled = p.Settled
	out.wrong = s.judge(p, moments)
	if out.wrong == "" {
		out.wrong = s.afterwards()
	}
	return out
}

// judge says what is wrong with an answer that was given while the evidence went through moments.
func (s *stage) judge(p runsheet.Progress, moments []*moment) string {
	lights := []light{old, young, touched}
	if p.Settled {
		lights = lights[:1]
	}
	said := render(p)
	if !s.true(said, moments, lights) && !s.severalWithinATick(p) {
		var all []string
		for _, m := range moments {
			all = append(all, m.says(old))
		}
		return fmt.Sprintf("told %s (settled: %t), and the evidence said %s", said, p.Settled, strings.Join(all, ", then "))
	}
	return s.invented("told", p)
}

func (s *stage) true(said string, moments []*moment, lights []light) bool {
	for _, l := range lights {
		for _, m := range moments {
			if m.says(l) == said {
				return true
			}
		}
	}
	return false
}

// invented says whether more was told than the training code has done.
func (s *stage) invented(what string, p runsheet.Progress) string {
	if most := s.script.reached(s.done); p.Completed > most && (p.Error == "" || p.Broken != "") {
		return fmt.Sprintf("%s %s, and the training code has reached %d", what, render(p), most)
	}
	return ""
}

// afterwards looks again once all is old, and after the next step.
func (s *stage) afterwards() string {
	for range 2 {
		s.disk.now = s.disk.now.Add(age)
		m := s.moment()
		want := m.says(old)
		first := s.get()
		switch {
		case render(first) != want:
			if s.unseen() {
				return ""
			}
			return fmt.Sprintf("told for good %s (settled: %t), and --recompute says %s", render(first), first.Settled, want)
		case !first.Settled:
			return fmt.Sprintf("never settled: %s", want)
		}
		if s.thorough() {
			s.newProcess()
			if again := s.get(); render(again) != want {
				return fmt.Sprintf("told for good by the next process %s, and --recompute says %s", render(again), want)
			}
			if anew := s.anew(); anew != want && !setAside(want) {
				return fmt.Sprintf("--recompute says %s, and a first look %s", anew, want)
			}
		}
		if wrong := s.invented("told for good", first); wrong != "" {
			return wrong
		}
		if s.done == len(s.script.steps) {
			return ""
		}
		s.step()
	}
	return ""
}

// anew returns what --recompute says; it changes nothing that the next step finds.
func (s *stage) anew() string {
	other := *s
	other.disk = s.disk.clone()
	other.newProcess()
	return render(other.cache.Get(context.Background(), workDir, s.spec, true))
}

// setAside says whether --recompute says something else than a look, because it sets the training code's document aside
// first that nobody can read.
func setAside(said string) bool {
	return strings.Contains(said, "`runsheet status --recompute` sets it aside")
}

// thorough is true for one trial in four: then the next process and --recompute are asked as well.
func (t trial) thorough() bool {
	n := t.start
	for _, k := range t.placed {
		n += k
	}
	return n%4 == 0
}

// number returns the inode that the path of a step has; 0: none.
func (m *memory) number(st step) uint64 {
	if i := m.at(st.abs()); st.path != "" && i != nil {
		return i.number
	}
	return 0
}

// says returns what a first look at the evidence says in that light.
func (m *moment) says(l light) string {
	if said, ok := m.said[l]; ok {
		return said
	}
	disk := m.disk.clone()
	if l == old {
		disk.now = disk.now.Add(age)
	}
	sleep := disk.sleep
	if l == touched {
		sleep = func(_ context.Context, d time.Duration) error {
			disk.now = disk.now.Add(d)
			disk.touch(disk.at(workDir))
			return nil
		}
	}
	r := tracker.Look(context.Background(), disk, workDir, m.spec, tracker.Options{Now: func() time.Time { return disk.now }, Sleep: sleep})
	m.said[l] = render(r.Progress)
	return m.said[l]
}

// touch makes all files young.
func (m *memory) touch(i *inode) {
	for _, below := range i.names {
		m.touch(below)
	}
	if !i.dir {
		i.mtime, i.ctime = m.now.UnixNano(), m.now.UnixNano()
	}
}

// render writes down what counts of an answer: all but when it was given, and when what it tells came about.
func render(p runsheet.Progress) string {
	kept := p
	kept.AsOf, kept.LastActivity, kept.Settled, kept.Recent, kept.PerUnit = time.Time{}, time.Time{}, false, nil, 0
	kept.Error = strings.ReplaceAll(kept.Error, "; it is still being written", "")
	if len(kept.Metrics) == 0 {
		kept.Metrics = nil
	}
	data, err := json.Marshal(kept)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// String names the trial, so that it can be repeated.
func (t trial) String() string {
	var at []string
	for i, k := range t.placed {
		at = append(at, fmt.Sprintf("%q before operation %d", t.script.steps[t.start+i].what, k))
	}
	where := "nothing happens"
	if len(at) > 0 {
		where = strings.Join(at, ", ")
	}
	var done []string
	for _, st := range t.script.steps[:t.start] {
		done = append(done, fmt.Sprintf("%q", st.what))
	}
	return fmt.Sprintf("%s, after %d steps (%s), cursor %s, %s: %s", t.script.name, t.start, strings.Join(done, ", "), t.warmth.name, t.weather.name, where)
}

// explain names the operations before which something happened.
func (t trial) explain(trace []op) string {
	var out []string
	for i, k := range t.placed {
		if k < len(trace) {
			out = append(out, fmt.Sprintf("%q before %q", t.script.steps[t.start+i].what, trace[k]))
		}
	}
	return strings.Join(out, ", ")
}

var _ durable.Disk = (*memory)(nil)
