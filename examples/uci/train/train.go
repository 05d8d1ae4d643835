package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A job is what the command line asks for.
type job struct {
	dataset, model string
	seed           int64
	epochs         int
	data, out      string        // directories
	resume         bool          // go on from the checkpoint in out, if there is one
	epochTime      time.Duration // an epoch takes at least so long
}

// models makes a model by the name that --model takes.
var models = map[string]func(features, classes int) model{
	"linear": func(features, classes int) model { return newSoftmaxRegression(features, classes) },
	"mlp":    func(features, classes int) model { return newMLP(features, hiddenUnits, classes) },
}

// train does the job. What it says goes to stdout and is kept in train.log.
func train(j job, stdout io.Writer) error {
	src := sources[j.dataset]
	examples, err := load(j.data, src)
	if err != nil {
		return fmt.Errorf("reading the data: %w", err)
	}
	trainPart, valPart := split(examples, src.classes, random(j.seed, streamSplit))
	standardise(trainPart, valPart)

	if err := os.MkdirAll(j.out, 0o777); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(j.out, "train.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer log.Close()
	says := io.MultiWriter(stdout, log)

	m := models[j.model](src.features, src.classes)
	state := checkpoint{
		Dataset: j.dataset, Model: j.model, Seed: j.seed,
		weights: newWeights(m, random(j.seed, streamStart)),
	}
	if j.resume {
		switch c, err := restore(j.out, state); {
		case err == nil:
			state = c
			fmt.Fprintf(says, "resumed after %d epochs\n", c.Epochs)
		case errors.Is(err, errNoCheckpoint):
			fmt.Fprintf(says, "starting from scratch: %v\n", err)
		default:
			return fmt.Errorf("resuming: %w", err)
		}
	}
	fmt.Fprintf(says, "%s, %s, seed %d: %d parameters, %d examples to train on, %d to validate\n",
		j.dataset, j.model, j.seed, m.size(), len(trainPart), len(valPart))

	for n := state.Epochs; n < j.epochs; n++ {
		began := time.Now()
		losses := state.epoch(m, trainPart, random(j.seed, streamEpochs+uint64(n)))
		val := state.evaluate(m, valPart)
		time.Sleep(time.Until(began.Add(j.epochTime)))
		if err := writeEpoch(epochDir(j.out, n), losses, val); err != nil {
			return fmt.Errorf("writing epoch %d: %w", n, err)
		}
		// The checkpoint comes last: an epoch that it counts is never incomplete, and one written but not yet counted is
		// computed again, with the same result.
		state.Epochs = n + 1
		if err := state.save(j.out); err != nil {
			return fmt.Errorf("writing the checkpoint: %w", err)
		}
		fmt.Fprintf(says, "epoch %d of %d: training loss %.4f, validation loss %.4f, validation accuracy %.4f\n",
			n+1, j.epochs, mean(losses), val.loss, val.accuracy)
	}
	return nil
}

// epochFiles are the files of a complete epoch, in the order in which they are written.
var epochFiles = []string{"training_losses.pt", "optimizer_buffer.json", "validation_scores.json"}

// epochDir is the directory of an epoch, counted from 0.
func epochDir(out string, n int) string { return filepath.Join(out, "epoch_"+strconv.Itoa(n)) }

// writeEpoch leaves the evidence of an epoch: the loss of every mini-batch (plain text, in spite of the name that the
// layout gives the file), what the optimiser was set to, and the validation scores.
func writeEpoch(dir string, losses []float64, val score) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	var lines strings.Builder
	for _, loss := range losses {
		lines.WriteString(strconv.FormatFloat(loss, 'g', -1, 64) + "\n")
	}
	optimizer, err := json.Marshal(map[string]any{
		"learning_rate": learningRate, "momentum": momentum, "weight_decay": weightDecay,
		"batch_size": batchSize, "steps": len(losses),
	})
	if err != nil {
		return err
	}
	scores, err := json.Marshal(map[string]any{
		"aggregated":    map[string]float64{"accuracy": val.accuracy, "loss": val.loss},
		"per_datapoint": map[string][]int{"accuracy": val.correct},
	})
	if err != nil {
		return err
	}
	for i, data := range [][]byte{[]byte(lines.String()), optimizer, scores} {
		if err := replace(filepath.Join(dir, epochFiles[i]), data); err != nil {
			return err
		}
	}
	return nil
}

func mean(v []float64) float64 {
	var sum float64
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
