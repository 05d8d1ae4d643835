package runsheet

import "time"

// Consumption is what the accounting of a scheduler says of one execution of a job. Zero values are not known.
type Consumption struct {
	Began     time.Time
	Requested Resources
	CPU       time.Duration // user and system
	Wall      time.Duration
	Peak      int64 // bytes of main memory, of its largest process
}
