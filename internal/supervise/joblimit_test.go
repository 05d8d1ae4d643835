package supervise

import "testing"

func TestParseTimes(t *testing.T) {
	for shown, want := range map[string]int64{
		"JobId=1 StartTime=1780000000 EndTime=1780000060 Deadline=N/A": 60,
		"JobId=1 StartTime=1780000000 EndTime=Unknown Deadline=N/A":    0,
		"JobId=1 StartTime=1780000060 EndTime=1780000000 Deadline=N/A": 0,
		"StartTime=2026-11-30T21:10:22 EndTime=2026-11-30T21:11:22":    0,
		"": 0,
	} {
		began, over, ok := parseTimes(shown)
		if ok != (want > 0) || ok && over.Unix()-began.Unix() != want {
			t.Errorf("%q: %v, %v, %t", shown, began, over, ok)
		}
	}
}
