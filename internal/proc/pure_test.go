package proc

import (
	"testing"

	"runsheet"
)

func TestParseStat(t *testing.T) {
	const tail = " 1 10 11 0 -1 4194304 97 0 0 0 0 0 0 0 20 0 3 0 180920 3133440 363 18446744073709551615\n"
	for _, tt := range []struct {
		in   string
		want stat
		dead bool
		err  bool
	}{
		{in: "7 (cat) R" + tail, want: stat{7, "cat", 'R', 1, 11, 3, 180920, 0, 0}},
		{in: "7 (a) Z 1 (b\n) S" + tail, want: stat{7, "a) Z 1 (b\n", 'S', 1, 11, 3, 180920, 0, 0}},
		{in: "7 () Z" + tail, want: stat{7, "", 'Z', 1, 11, 3, 180920, 0, 0}},
		{in: "7 (x) Z 1 10 11 0 -1 4194304 97 0 0 0 1 2 3 4 20 0 1 0 5 0 0", want: stat{7, "x", 'Z', 1, 11, 1, 5, 3, 7}, dead: true},
		{in: "7 (x) X 1 10 11 0 -1 4194304 97 0 0 0 0 0 0 0 20 0 0 0 5 0 0", want: stat{7, "x", 'X', 1, 11, 0, 5, 0, 0}, dead: true},
		{in: "", err: true},
		{in: "7 (cat", err: true},
		{in: "7 (cat) R 1 2 3", err: true},
		{in: "x (cat) R" + tail, err: true},
		{in: "7 (cat) R 1 10 11 0 -1 4194304 97 0 0 0 0 0 0 0 20 0 1 0 -5 0 0", err: true},
	} {
		got, err := parseStat([]byte(tt.in))
		if (err != nil) != tt.err || err == nil && (got != tt.want || got.dead() != tt.dead) {
			t.Errorf("%q: %+v (dead %v), %v", tt.in, got, got.dead(), err)
		}
	}
}

func TestParseToken(t *testing.T) {
	for in, want := range map[string]token{
		"":                                          tokenNone,
		"A=1\x00RUNSHEET_TOKEN=ab\x00B=2\x00":       tokenOurs,
		"RUNSHEET_TOKEN=ab":                         tokenOurs,
		"RUNSHEET_TOKEN=abc\x00":                    tokenOther,
		"RUNSHEET_TOKEN=\x00":                       tokenOther,
		"XRUNSHEET_TOKEN=ab\x00":                    tokenNone,
		"A=RUNSHEET_TOKEN=ab\x00":                   tokenNone,
		"A=\nRUNSHEET_TOKEN=ab\x00":                 tokenNone,
		"RUNSHEET_TOKEN=x\x00RUNSHEET_TOKEN=ab\x00": tokenOurs,
	} {
		if got := parseToken([]byte(in), "ab"); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

func TestOwns(t *testing.T) {
	self := runsheet.Process{BootID: "b", PIDNamespace: "n", PID: 5, StartTime: 10}
	supervisor := runsheet.Process{BootID: "b", PIDNamespace: "n", PID: 50, StartTime: 100}
	leader := runsheet.Process{BootID: "b", PIDNamespace: "n", PID: 60, StartTime: 101}
	at := func(pid int, start uint64, t token) member {
		return member{stat{pid: pid, start: start, state: 'S'}, t}
	}
	elsewhere := supervisor
	elsewhere.BootID = "c"
	inside := supervisor
	inside.PIDNamespace = "m"
	for name, tt := range map[string]struct {
		since   runsheet.Process
		members []member
		want    bool
	}{
		"its leader":                          {supervisor, []member{at(60, 101, tokenNone)}, true},
		"in the same tick":                    {supervisor, []member{at(60, 100, tokenNone)}, true},
		"children, the leader gone":           {supervisor, []member{at(61, 200, tokenNone)}, true},
		"older than the attempt":              {supervisor, []member{at(61, 200, tokenNone), at(62, 99, tokenNone)}, false},
		"a member with the token":             {elsewhere, []member{at(62, 99, tokenNone), at(61, 200, tokenOurs)}, true},
		"another boot":                        {elsewhere, []member{at(60, 101, tokenNone)}, false},
		"another namespace":                   {inside, []member{at(60, 101, tokenNone)}, false},
		"nothing known":                       {runsheet.Process{}, []member{at(60, 101, tokenNone)}, false},
		"another attempt's token":             {supervisor, []member{at(60, 300, tokenNone), at(61, 301, tokenOther)}, false},
		"the leader itself":                   {leader, []member{at(60, 101, tokenNone), at(61, 105, tokenNone)}, true},
		"a new leader with its pid":           {leader, []member{at(60, 102, tokenNone), at(61, 105, tokenNone)}, false},
		"children of the leader that is gone": {leader, []member{at(61, 105, tokenNone)}, true},
	} {
		if got := owns(tt.members, 60, tt.since, self); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
