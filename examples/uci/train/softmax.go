package main

import (
	"math"
	"math/rand/v2"
)

// A model maps features to class probabilities. Its parameters are one flat vector that the caller owns, so that the
// optimiser and the checkpoint need to know nothing of its shape. A model keeps scratch space and serves one caller at
// a time.
type model interface {
	size() int                                                         // how many parameters it has
	start(theta []float64, rng *rand.Rand)                             // sets the parameters to begin with
	predict(theta, x []float64) []float64                              // class probabilities, valid until the next call
	gradient(theta, x []float64, y int, grad []float64) (loss float64) // adds the gradient of the cross-entropy to grad
}

// softmaxRegression is linear: one weight per class and feature, and a bias per class.
type softmaxRegression struct {
	layer
	probs []float64
}

func newSoftmaxRegression(features, classes int) *softmaxRegression {
	return &softmaxRegression{layer{features, classes}, make([]float64, classes)}
}

// start leaves everything at 0: the loss is convex, so where it begins does not matter.
func (m *softmaxRegression) start(theta []float64, _ *rand.Rand) { clear(theta) }

func (m *softmaxRegression) predict(theta, x []float64) []float64 {
	m.apply(theta, x, m.probs)
	softmax(m.probs)
	return m.probs
}

func (m *softmaxRegression) gradient(theta, x []float64, y int, grad []float64) float64 {
	p := m.predict(theta, x)
	loss := crossEntropy(p, y)
	p[y]-- // the gradient with respect to the scores
	m.backward(x, p, grad)
	return loss
}

// A layer is an affine map; its parameters are, for each output, the weights and then the bias.
type layer struct{ in, out int }

func (l layer) size() int { return l.out * (l.in + 1) }

// apply sets out to weights*x + bias.
func (l layer) apply(theta, x, out []float64) {
	for k := range out {
		row := theta[k*(l.in+1) : (k+1)*(l.in+1)]
		sum := row[l.in]
		for i, v := range x {
			sum += row[i] * v
		}
		out[k] = sum
	}
}

// backward adds to grad what the gradient delta at the outputs means for the parameters.
func (l layer) backward(x, delta, grad []float64) {
	for k, d := range delta {
		row := grad[k*(l.in+1) : (k+1)*(l.in+1)]
		for i, v := range x {
			row[i] += d * v
		}
		row[l.in] += d
	}
}

// softmax turns scores into probabilities, in place. The highest score is taken off first: the result is the same and
// nothing overflows.
func softmax(s []float64) {
	top := s[0]
	for _, v := range s {
		top = max(top, v)
	}
	var sum float64
	for i, v := range s {
		s[i] = math.Exp(v - top)
		sum += s[i]
	}
	for i := range s {
		s[i] /= sum
	}
}

// crossEntropy is the loss of the probabilities p where y is right, in nats. A probability that has become 0 counts as
// the smallest one there is, so that one hopeless example does not make the loss of the epoch infinite.
func crossEntropy(p []float64, y int) float64 {
	return -math.Log(max(p[y], math.SmallestNonzeroFloat64))
}
