package mutants

// mutant is one fault that is planted in the source of a test build: a piece of a file that stands there exactly once,
// and what takes its place.
type mutant struct {
	name  string
	what  string   // what is broken, in words
	file  string   // in the module
	old   string   // stands in the file exactly once
	new   string   // takes its place; the package must still compile
	by    []string // the methods that may catch it, the likeliest first
	count int64    // how much they do; 0: their quick size
}

// table lists the mutants: each step that the architecture page calls needed, left out or done in the wrong order.
var table = []mutant{
	{name: "no-file-sync", what: "a document is linked to its name before its contents are on disk",
		file: "internal/durable/spare.go", by: []string{"forget", "images"},
		old: "	if err := s.file.Sync(); err != nil {\n		s.spoiled = true\n		return err\n	}\n	s.filled = true\n",
		new: "	s.filled = true\n"},
	{name: "no-directory-sync", what: "a name is acknowledged before the directory is on disk",
		file: "internal/durable/write.go", by: []string{"forget", "images"},
		old: "	if err := f.Sync(); err != nil {\n		return fmt.Errorf(\"sync directory %s: %w\", dir, err)\n	}\n	return nil\n",
		new: "	return nil\n"},
	{name: "rename-for-link", what: "a write-once document replaces the one that was there first",
		file: "internal/durable/disk.go", by: []string{"sweep", "history"},
		old: "{ return os.Link(oldname, newname) }", new: "{ return os.Rename(oldname, newname) }"},
	{name: "not-settled", what: "a claim rests on an end or a request that was only seen, and may be lost yet",
		file: "internal/record/claim.go", by: []string{"forget"},
		old: "	if err := sys.FS.Sync(\"settle\", dir); err != nil &&", new: "	if err := error(nil); err != nil &&"},
	{name: "no-second-check", what: "whoever waited for the progress computes it once more",
		file: "internal/progress/compute.go", by: []string{"readers"},
		old: "if p, ok := c.fresh(old, spec); ok {", new: "if p, ok := c.fresh(old, spec); ok && false {"},
	{name: "no-progress-lock", what: "every process computes and publishes the progress at once",
		file: "internal/progress/compute.go", by: []string{"readers"},
		old: "return unlock, l.Take(ctx, 0) == nil", new: "return unlock, true"},
	{name: "no-supervisor-lock", what: "a supervisor goes on although another one owns the attempt",
		file: "internal/record/tenure.go", by: []string{"interleave", "history", "storm"},
		old: "	got, err := lock.Try(SupervisorByte)\n	if err == nil && !got {\n		err = ErrHeld\n	}\n	if err == nil {\n		err = t.look()",
		new: "	if err == nil {\n		err = t.look()"},
	{name: "no-fence", what: "a supervisor never looks whether its attempt was given to somebody else",
		file: "internal/record/tenure.go", by: []string{"interleave", "storm"},
		old: "	names, err := t.sys.FS.List(\"fence\", t.Dir)\n", new: "	if true {\n		return GoOn, nil\n	}\n	names, err := t.sys.FS.List(\"fence\", t.Dir)\n"},
	{name: "look-before-lock", what: "a supervisor looks for an end first, and takes its byte then",
		file: "internal/record/tenure.go", by: []string{"interleave"},
		old: "	got, err := lock.Try(SupervisorByte)\n	if err == nil && !got {\n		err = ErrHeld\n	}\n	if err == nil {\n		err = t.look()\n	}\n",
		new: "	err = t.look()\n	if err == nil {\n		var got bool\n		if got, err = lock.Try(SupervisorByte); err == nil && !got {\n			err = ErrHeld\n		}\n	}\n"},
	{name: "early-release", what: "a supervisor lets its byte go before the end is durable",
		file: "internal/record/tenure.go", by: []string{"interleave"},
		old: "	err = t.spare.WriteOnce(EndPath(t.Dir), data)\n", new: "	t.lock.Close()\n	err = t.spare.WriteOnce(EndPath(t.Dir), data)\n"},
	{name: "takeover-without-holding", what: "an heir tries the supervisor's byte, and does not keep it",
		file: "internal/record/takeover.go", by: []string{"interleave"},
		old: "	got, err := lock.Try(SupervisorByte)\n", new: "	got, err := lock.Try(SupervisorByte)\n	lock.Close()\n"},
	{name: "evidence-before-records", what: "an end is judged with evidence that is older than it",
		file: "internal/observe/observe.go", by: []string{"interleave", "storm"},
		old: "	f := o.records(ctx, run.WorkDir)\n	run.Progress = f.Spec(run.Progress)\n	p := o.evidence(ctx, run, recompute)\n",
		new: "	p := o.evidence(ctx, run, recompute)\n	f := o.records(ctx, run.WorkDir)\n"},
	{name: "no-start-record", what: "a command is let go although no start record stands there",
		file: "internal/record/tenure.go", by: []string{"interleave"},
		old: "	err = t.sys.FS.WriteOnce(\"start\", StartPath(t.Dir), data)\n", new: "	_ = data\n"},
	{name: "no-token", what: "the processes of a command cannot be told from others once their supervisor is gone",
		file: "internal/proc/find.go", by: []string{"storm"},
		old: "		if t == tokenOurs {\n", new: "		if false {\n"},
	{name: "number-reused", what: "the number of an attempt is given out again after its work dir was deleted",
		file: "internal/record/claim.go", by: []string{"interleave"},
		old: "c.Attempt = max(seen.Attempt, floor) + 1", new: "c.Attempt = seen.Attempt + 1"},
	{name: "no-witnesses", what: "the cache of progress is trusted without a look at its witnesses",
		file: "internal/progress/cache.go", by: []string{"readers"},
		old: "	if !c.holds(m, now) {\n", new: "	if false {\n"},
	{name: "settled-ignored", what: "a reading is kept although a change could hide behind the stamp of a witness",
		file: "internal/progress/cache.go", by: []string{"readers"},
		old: "if m == nil || !m.doc.Settled || !m.madeFor(spec) {", new: "if m == nil || !m.madeFor(spec) {"},
	{name: "broken-is-absent", what: "a broken progress.json of the training code is taken for none",
		file: "internal/tracker/document.go", by: []string{"readers"},
		old: "	if doc, err = parseDocument(f); err != nil {\n			return ev.broken(documentName, err)\n		}\n",
		new: "	if doc, err = parseDocument(f); err != nil {\n			doc = nil\n		}\n"},
	{name: "no-journal-rule", what: "a deleted work dir hides a living attempt",
		file: "internal/launcher/ledger.go", by: []string{"storm"},
		old: "	if e.vanished(f) || f.Problem != \"\" && !e.ended {\n", new: "	if false {\n"},
}
