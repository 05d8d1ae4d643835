// Package slurm puts attempts into the queue of a Slurm cluster: sbatch starts the supervisor inside the job. It needs
// the file system to be shared with the nodes, and nothing else there; no accounting database.
//
// What a job became is told by our records, wherever they tell it; Slurm is asked about what has no end, with one squeue
// for everything, and its word that a job is over is the proof of death for what ran on another machine. It never starts
// anything twice: however often a claimed attempt is submitted, one supervisor owns it.
//
// The formats are those of squeue(1), sbatch(1), scontrol(1) and sacct(1), with explicit fields: what --json prints
// changes between releases.
package slurm

// Name is the executor's name in claims and pools.
const Name = "slurm"
