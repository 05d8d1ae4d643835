package scenario

import (
	"bytes"
	"errors"
	"os"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/prove/faultdisk"
	"runsheet/internal/record"
)

// All returns the scenarios, in a fixed order.
func All() []Scenario {
	return []Scenario{
		{"write-once", nil, writeOnce},
		{"write-once-seen", nil, writeOnceSeen},
		{"replace", replaceBefore, replace},
		{"claim", nil, claim},
		{"claim-seen", nil, claimSeen},
		{"mkdir-seen", nil, mkdirSeen},
		{"end", claimed, end},
		{"end-seen", claimed, endSeen},
		{"takeover", begun, takeover},
		{"takeover-void", claimed, takeoverVoid},
		{"request", nil, request},
		{"request-seen", nil, requestSeen},
		{"progress", noted, refresh},
		{"journal", torn, appendEvents},
		{"launcher", nil, launcher},
		{"run", nil, wholeRun},
	}
}

// once writes the write-once document, and takes what comes of it as the records do.
func (a *actor) once(text string) error {
	a.intend(keyOnce, text)
	err := durable.WriteOnce(a.disk, "once", a.oncePath(), []byte(text))
	switch {
	case err == nil:
		a.ack(keyOnce, text)
	case errors.Is(err, durable.ErrExists):
		a.ackFound(keyOnce)
	}
	return err
}

// long is a text of several sectors, each other than the rest.
func long(what string) string {
	var b bytes.Buffer
	for b.Len() < 1800 {
		b.WriteString(what)
		b.WriteByte('0' + byte(b.Len()%9))
	}
	return b.String()
}

// writeOnce has two write the same document, one after the other.
func writeOnce(s *Stage) {
	s.actor().once(long("the first ")) //nolint:errcheck // whatever comes of it stands in the facts
	s.actor().once(long("the second "))
}

// writeOnceSeen has the first one killed when its document has its name, and the directory is not on disk.
func writeOnceSeen(s *Stage) {
	s.killed(afterLink("once"), func(a *actor) { a.once(long("the first ")) }) //nolint:errcheck // it is killed
	s.actor().once(long("the second "))                                        //nolint:errcheck // in the facts
}

func (a *actor) replace(text string) error {
	a.intend(keyNotes, text)
	err := durable.Replace(a.disk, "notes", a.notesPath(), []byte(text), durable.Private)
	if err == nil {
		a.ack(keyNotes, text)
	}
	return err
}

func replaceBefore(s *Stage) error { return s.actor().replace("old") }

// replace replaces a document twice.
func replace(s *Stage) {
	s.actor().replace(long("new "))   //nolint:errcheck // in the facts
	s.actor().replace(long("newer ")) //nolint:errcheck // in the facts
}

// claim has two launchers look, and then both claim; the first has the sheet and its journal.
func claim(s *Stage) {
	first, second := s.actor(), s.actor()
	seen, err := second.look()
	if err != nil {
		return
	}
	first.launch() //nolint:errcheck // in the facts
	if _, err := second.claim(seen); err == nil {
		return
	}
	second.look() //nolint:errcheck // it only has to be able to
}

// launch holds the sheet, claims the next attempt and writes that down.
func (a *actor) launch() (runsheet.Claim, error) {
	release, err := a.hold()
	if err != nil {
		return runsheet.Claim{}, err
	}
	defer release()
	seen, err := a.look()
	if err != nil {
		return runsheet.Claim{}, err
	}
	c, err := a.claim(seen)
	if err != nil {
		return c, err
	}
	return c, a.noteClaim(c)
}

// claimSeen has a launcher killed when its claim has its name; another one, which looked before, claims as well.
func claimSeen(s *Stage) {
	late := s.actor()
	seen, err := late.look()
	if err != nil {
		return
	}
	s.killed(afterLink("claim.json"), func(a *actor) {
		if seen, err := a.look(); err == nil {
			a.claim(seen) //nolint:errcheck // it is killed
		}
	})
	late.claim(seen)      //nolint:errcheck // in the facts
	s.actor().goOn(false) //nolint:errcheck // in the facts
}

// mkdirSeen has launchers killed when they have just made a directory, each the next one; another one goes on.
func mkdirSeen(s *Stage) {
	for range 3 {
		made := false
		s.killed(func(op faultdisk.Op) bool {
			now := made
			made = made || op.Kind == faultdisk.Mkdir
			return now
		}, func(a *actor) {
			if seen, err := a.look(); err == nil {
				a.claim(seen) //nolint:errcheck // it is killed
			}
		})
	}
	s.actor().launch() //nolint:errcheck // in the facts
}

// claimed: an attempt is claimed and not begun.
func claimed(s *Stage) error {
	_, err := s.actor().launch()
	return err
}

// end has a supervisor begin and end an attempt, and a launcher note it.
func end(s *Stage) {
	supervisor := s.actor()
	if t, err := supervisor.begin(1); err == nil {
		supervisor.end(t, 3) //nolint:errcheck // in the facts
	}
	supervisor.who.gone()
	s.actor().goOn(false) //nolint:errcheck // in the facts
}

// endSeen has the supervisor killed when its end has its name; a launcher sees the end and goes on.
func endSeen(s *Stage) {
	s.killed(afterLink("end.json"), func(a *actor) {
		if t, err := a.begin(1); err == nil {
			a.end(t, 3) //nolint:errcheck // it is killed
		}
	})
	s.actor().goOn(false) //nolint:errcheck // in the facts
}

// begun: the supervisor of an attempt was killed after it had begun.
func begun(s *Stage) error {
	if err := claimed(s); err != nil {
		return err
	}
	a := s.actor()
	t, err := a.begin(1)
	if err == nil {
		t.Leave()
		a.who.gone()
	}
	return err
}

// takeover has a launcher write the end of an attempt whose supervisor is gone, and claim the next one.
func takeover(s *Stage) { s.actor().goOn(false) } //nolint:errcheck // in the facts

// takeoverVoid has a launcher give up an attempt that has not begun, and its supervisor come late.
func takeoverVoid(s *Stage) {
	s.actor().takeOver(1) //nolint:errcheck // in the facts
	late := s.actor()
	if t, err := late.begin(1); err == nil {
		late.end(t, 3) //nolint:errcheck // in the facts
	}
	s.actor().goOn(false) //nolint:errcheck // in the facts
}

// request has people ask for a stop and for a retry, and a launcher take that into account.
func request(s *Stage) {
	s.actor().request(runsheet.RequestStop, 1)  //nolint:errcheck // in the facts
	s.actor().request(runsheet.RequestRetry, 1) //nolint:errcheck // in the facts
	s.actor().launch()                          //nolint:errcheck // in the facts
}

// requestSeen has who asks for a retry killed when the request has its name; a launcher takes it into account.
func requestSeen(s *Stage) {
	s.killed(afterLink("000001.json"), func(a *actor) { a.request(runsheet.RequestRetry, 1) }) //nolint:errcheck // it is killed
	s.actor().launch()                                                                         //nolint:errcheck // in the facts
}

// noted: there is a .runsheet, which the cache of the progress lies in.
func noted(s *Stage) error { return s.actor().request(runsheet.RequestRetry, 1) }

// refresh has the progress read, and read again after it has changed.
func refresh(s *Stage) {
	s.actor().progress() //nolint:errcheck // what is wrong with it stands in the facts
	s.actor().progress()
	if err := s.epoch(1); err != nil {
		s.fail("the training code: %v", err)
	}
	s.actor().progress() //nolint:errcheck // as above
}

// torn: the journal ends in the middle of a line.
func torn(s *Stage) error {
	a := s.actor()
	release, err := a.hold()
	if err != nil {
		return err
	}
	if err := a.note(started()); err != nil {
		return err
	}
	release()
	f, err := s.world.Open("world", record.JournalPath(s.state), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err = f.Write([]byte(`{"at":"2026-01-02T03:04:05Z","event":"cl`)); err != nil {
		return err
	}
	return f.Sync()
}

// appendEvents appends to the journal.
func appendEvents(s *Stage) {
	a := s.actor()
	release, err := a.hold()
	if err != nil {
		return
	}
	defer release()
	for range 4 {
		a.note(started()) //nolint:errcheck // in the facts
	}
}

// launcher has a launcher begin on a sheet that nobody has launched yet, and another one come in between.
func launcher(s *Stage) {
	a := s.actor()
	release, err := a.hold()
	if err != nil {
		return
	}
	defer release()
	if err := a.note(started()); err != nil {
		return
	}
	if releaseToo, err := s.actor().hold(); err == nil {
		s.fail("two launchers hold the sheet")
		releaseToo()
	}
	a.note(started()) //nolint:errcheck // in the facts
}

// wholeRun is a run from the first launch to the second.
func wholeRun(s *Stage) {
	c, err := s.actor().launch()
	if err != nil {
		return
	}
	supervisor := s.actor()
	t, err := supervisor.begin(c.Attempt)
	if err != nil {
		return
	}
	if err := s.epoch(1); err != nil {
		s.fail("the training code: %v", err)
	}
	supervisor.progress() //nolint:errcheck // in the facts
	supervisor.end(t, 1)  //nolint:errcheck // in the facts
	supervisor.who.gone()
	s.actor().goOn(false) //nolint:errcheck // in the facts
}
