package main

import "math/rand/v2"

// Hyperparameters of the optimiser; they suit all three data sets.
const (
	batchSize    = 32
	learningRate = 0.02
	momentum     = 0.9
	weightDecay  = 1e-3
)

// Streams of random numbers: each purpose draws from its own, so that none depends on how much another has drawn.
const (
	streamSplit uint64 = iota
	streamStart
	streamEpochs // and upwards, one for each epoch: a resumed run shuffles as an uninterrupted one does
)

// random returns the stream of random numbers of a seed.
func random(seed int64, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(seed), stream))
}

// weights is what training changes: the parameters, and the velocity that momentum gives them.
type weights struct {
	Theta    []float64 `json:"theta"`
	Velocity []float64 `json:"velocity"`
}

// newWeights returns the weights that the model begins with.
func newWeights(m model, rng *rand.Rand) weights {
	w := weights{make([]float64, m.size()), make([]float64, m.size())}
	m.start(w.Theta, rng)
	return w
}

// epoch goes once through the training part, in an order drawn from rng, and returns the mean loss of every
// mini-batch as it was before its step.
func (w weights) epoch(m model, train []example, rng *rand.Rand) (losses []float64) {
	order := rng.Perm(len(train))
	grad := make([]float64, m.size())
	for len(order) > 0 {
		batch := order[:min(batchSize, len(order))]
		order = order[len(batch):]
		clear(grad)
		var loss float64
		for _, i := range batch {
			loss += m.gradient(w.Theta, train[i].x, train[i].y, grad)
		}
		losses = append(losses, loss/float64(len(batch)))
		for i := range w.Theta {
			g := grad[i]/float64(len(batch)) + weightDecay*w.Theta[i]
			w.Velocity[i] = momentum*w.Velocity[i] - learningRate*g
			w.Theta[i] += w.Velocity[i]
		}
	}
	return losses
}

// A score is how a model does on a part of the data.
type score struct {
	accuracy float64 // share of examples whose most probable class is the right one, in [0, 1]
	loss     float64 // mean cross-entropy, in nats
	correct  []int   // 1 or 0 for each example
}

// evaluate scores the model on a part of the data.
func (w weights) evaluate(m model, part []example) score {
	s := score{correct: make([]int, len(part))}
	for i, e := range part {
		p := m.predict(w.Theta, e.x)
		best := 0
		for k, v := range p {
			if v > p[best] {
				best = k
			}
		}
		if best == e.y {
			s.correct[i] = 1
			s.accuracy++
		}
		s.loss += crossEntropy(p, e.y)
	}
	s.accuracy /= float64(len(part))
	s.loss /= float64(len(part))
	return s
}
