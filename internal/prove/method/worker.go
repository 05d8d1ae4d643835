package method

import (
	"context"
	"os"
	"os/exec"
)

// WorkerVerb is the first argument by which main knows that it is a method's worker; the second is the method's name.
const WorkerVerb = "worker"

// Command returns the command that runs the worker of a method in a process of its own, with args.
func Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", append([]string{WorkerVerb, name}, args...)...)
	cmd.Args[0] = os.Args[0]
	cmd.Stderr = os.Stderr
	return cmd
}
