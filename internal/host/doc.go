// Package host takes samples of this machine: CPU, load, memory, and its NVIDIA GPUs with the processes on them and
// their users. It turns a window of samples into the runsheet.Host that a plan is made for.
//
// It may not decide what runs where, and it leaves machines as they are. nvidia-smi is only called where GPUs were
// asked for, and never again while a call of it hangs.
package host
