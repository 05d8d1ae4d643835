package main

import (
	"math"
	"math/rand/v2"
)

// hiddenUnits is the width of the hidden layer: enough for ten digits, and quick.
const hiddenUnits = 32

// mlp is a network with one hidden layer of tanh units under a softmax.
type mlp struct {
	lower, upper         layer
	hidden, delta, probs []float64
}

func newMLP(features, hidden, classes int) *mlp {
	return &mlp{
		lower: layer{features, hidden}, upper: layer{hidden, classes},
		hidden: make([]float64, hidden), delta: make([]float64, hidden), probs: make([]float64, classes),
	}
}

func (m *mlp) size() int { return m.lower.size() + m.upper.size() }

// start draws the weights so that a unit's input keeps the variance of the layer below (normal, variance 1/inputs),
// and leaves the biases at 0. Equal units would stay equal for ever.
func (m *mlp) start(theta []float64, rng *rand.Rand) {
	lower, upper := m.parts(theta)
	for _, part := range []struct {
		l     layer
		theta []float64
	}{{m.lower, lower}, {m.upper, upper}} {
		scale := 1 / math.Sqrt(float64(part.l.in))
		for i := range part.theta {
			if i%(part.l.in+1) == part.l.in {
				part.theta[i] = 0
			} else {
				part.theta[i] = scale * rng.NormFloat64()
			}
		}
	}
}

func (m *mlp) predict(theta, x []float64) []float64 {
	lower, upper := m.parts(theta)
	m.lower.apply(lower, x, m.hidden)
	for j, v := range m.hidden {
		m.hidden[j] = math.Tanh(v)
	}
	m.upper.apply(upper, m.hidden, m.probs)
	softmax(m.probs)
	return m.probs
}

func (m *mlp) gradient(theta, x []float64, y int, grad []float64) float64 {
	p := m.predict(theta, x)
	loss := crossEntropy(p, y)
	p[y]--
	_, upper := m.parts(theta)
	lowerGrad, upperGrad := m.parts(grad)
	m.upper.backward(m.hidden, p, upperGrad)
	for j, h := range m.hidden {
		var d float64
		for k, v := range p {
			d += v * upper[k*(m.upper.in+1)+j]
		}
		m.delta[j] = d * (1 - h*h) // the derivative of tanh
	}
	m.lower.backward(x, m.delta, lowerGrad)
	return loss
}

// parts cuts a vector of the size of the parameters at the border of the two layers.
func (m *mlp) parts(v []float64) (lower, upper []float64) {
	return v[:m.lower.size()], v[m.lower.size():]
}
