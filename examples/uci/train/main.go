// Command train is the training code of the example: softmax regression or a small neural network on one of three
// data sets, by mini-batch gradient descent. It stands for code that knows nothing of Runsheet, and imports nothing of
// it: it leaves the files of each epoch, a log and a checkpoint, and goes on from the checkpoint when told to.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the command: it returns 0 when all epochs are done, 1 when that failed, 2 when the arguments are wrong.
func run(args []string, stdout, stderr io.Writer) int {
	j, err := parseJob(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		fmt.Fprintln(stderr, "train:", err)
		return 2
	}
	if err := train(j, stdout); err != nil {
		fmt.Fprintln(stderr, "train:", err)
		return 1
	}
	return 0
}

// parseJob reads the arguments. It returns flag.ErrHelp after printing the help that was asked for.
func parseJob(args []string, stderr io.Writer) (job, error) {
	var j job
	datasets := slices.Sorted(maps.Keys(sources))
	kinds := slices.Sorted(maps.Keys(models))
	fs := flag.NewFlagSet("train", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&j.dataset, "dataset", "", "data set: "+strings.Join(datasets, ", "))
	fs.StringVar(&j.model, "model", "", "model: "+strings.Join(kinds, ", "))
	fs.Int64Var(&j.seed, "seed", 0, "decides the split, the first weights and the order of the examples")
	fs.IntVar(&j.epochs, "epochs", 20, "how many epochs there are in all, at least 1")
	fs.StringVar(&j.data, "data", "data", "directory of the data sets")
	fs.StringVar(&j.out, "out", "", "directory to write to; made where it is missing")
	fs.BoolVar(&j.resume, "resume", false, "go on from the checkpoint in the output directory, if there is one")
	fs.DurationVar(&j.epochTime, "epoch-time", 150*time.Millisecond, "an epoch takes at least so long, so that there is something to watch")
	if err := fs.Parse(args); err != nil {
		return job{}, err
	}
	switch {
	case fs.NArg() > 0:
		return job{}, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case !slices.Contains(datasets, j.dataset):
		return job{}, fmt.Errorf("--dataset %q is not one of %s", j.dataset, strings.Join(datasets, ", "))
	case !slices.Contains(kinds, j.model):
		return job{}, fmt.Errorf("--model %q is not one of %s", j.model, strings.Join(kinds, ", "))
	case j.out == "":
		return job{}, errors.New("--out is missing")
	case j.epochs < 1:
		return job{}, fmt.Errorf("--epochs %d is less than 1", j.epochs)
	}
	return j, nil
}
