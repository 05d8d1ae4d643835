package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"runsheet/internal/durable"
)

// BatchJob is a scheduler's answer when it took some attempts of a batch. It can be asked about them by that job's number, even
// where the job's comment was changed. A batch has one for each answer.
type BatchJob struct {
	Job     string    `json:"job"`               // its number, or that of its array
	Tasks   string    `json:"tasks,omitempty"`   // the tasks of the array, like "0-3,9"; empty: the job is no array
	Cluster string    `json:"cluster,omitempty"` // what the scheduler calls its cluster; empty: it did not say
	At      time.Time `json:"at"`
}

// mostJobs bounds what is read of a batch's jobs, in bytes.
const mostJobs = 16 << 20

// NoteJob notes a job of a batch, durably. The file must be there: whoever submits makes it first, so that a job is not
// taken that could not be noted.
func NoteJob(disk durable.Disk, stateDir, batch string, j BatchJob) error {
	line, err := json.Marshal(j)
	if err != nil {
		return err
	}
	f, err := durable.OpenOwn(disk, "jobs", BatchJobsPath(stateDir, batch), os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return fmt.Errorf("note the job of a submission: %w", err)
	}
	// A line that a power cut tore, and that lacks its end, does not spoil this one.
	_, err = f.Write(append(append([]byte{'\n'}, line...), '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("note the job of a submission: %w", err)
	}
	return nil
}

// BatchJobs returns the jobs that were noted of a batch, the oldest first; none where nobody noted any. A line that is no
// whole one is left out.
func BatchJobs(disk durable.Disk, stateDir, batch string) ([]BatchJob, error) {
	data, _, err := durable.ReadOwn(disk, "jobs", BatchJobsPath(stateDir, batch), mostJobs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []BatchJob
	for line := range bytes.Lines(data) {
		var j BatchJob
		if json.Unmarshal(line, &j) == nil && j.Job != "" {
			all = append(all, j)
		}
	}
	return all, nil
}
