package main

import (
	"math"
	"testing"
)

// The gradient of each model against finite differences of its loss.
func TestGradients(t *testing.T) {
	const features, classes, step = 5, 3, 1e-5
	for name, m := range map[string]model{
		"linear": newSoftmaxRegression(features, classes),
		"mlp":    newMLP(features, 4, classes),
	} {
		t.Run(name, func(t *testing.T) {
			rng := random(7, 0)
			draw := func(n int) []float64 {
				v := make([]float64, n)
				for i := range v {
					v[i] = rng.NormFloat64()
				}
				return v
			}
			theta, x, y := draw(m.size()), draw(features), 1
			grad := make([]float64, m.size())
			loss := m.gradient(theta, x, y, grad)
			if want := crossEntropy(m.predict(theta, x), y); math.Abs(loss-want) > 1e-12 {
				t.Errorf("loss %g, want %g", loss, want)
			}
			for i := range theta {
				at := func(shift float64) float64 {
					moved := append([]float64(nil), theta...)
					moved[i] += shift
					return crossEntropy(m.predict(moved, x), y)
				}
				if want := (at(step) - at(-step)) / (2 * step); math.Abs(grad[i]-want) > 1e-7 {
					t.Errorf("gradient of parameter %d is %g, the loss says %g", i, grad[i], want)
				}
			}
		})
	}
}

func TestSoftmaxOfLargeScores(t *testing.T) {
	s := []float64{1000, 1000, -1000}
	softmax(s)
	if s[0] != 0.5 || s[1] != 0.5 || s[2] != 0 {
		t.Errorf("got %v", s)
	}
	if loss := crossEntropy(s, 2); math.IsInf(loss, 0) || loss < 700 {
		t.Errorf("loss of an impossible class is %g, want a large finite number", loss)
	}
}

// Both models must reach what a textbook reports for them, for every seed of the sheet.
func TestAccuracies(t *testing.T) {
	least := map[string]float64{"digits": 0.93, "wine": 0.91, "breast_cancer": 0.93}
	for name := range sources {
		for kind := range models {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				for seed := range int64(3) {
					before, after := trained(t, name, kind, seed)
					if after.accuracy < least[name] || after.loss >= before.loss {
						t.Errorf("seed %d: accuracy %.4f (at least %.2f expected), loss %.4f from %.4f",
							seed, after.accuracy, least[name], after.loss, before.loss)
					}
				}
			})
		}
	}
}

// trained returns the validation scores before and after 20 epochs.
func trained(t *testing.T, name, kind string, seed int64) (before, after score) {
	src := sources[name]
	examples, err := load(realData, src)
	if err != nil {
		t.Fatal(err)
	}
	trainPart, valPart := split(examples, src.classes, random(seed, streamSplit))
	standardise(trainPart, valPart)
	m := models[kind](src.features, src.classes)
	w := newWeights(m, random(seed, streamStart))
	before = w.evaluate(m, valPart)
	for n := range uint64(20) {
		w.epoch(m, trainPart, random(seed, streamEpochs+n))
	}
	return before, w.evaluate(m, valPart)
}
