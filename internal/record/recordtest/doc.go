// Package recordtest is a world in memory for the steps of internal/record, and an explorer that drives actors through
// their interleavings in it. It is for tests only; no package of the program imports it.
//
// A World has hosts, processes, one file system that all of them see, and locks: texts at places. Each call that a
// process makes on its record.System is one step. A process that dies loses its locks at once; its children live on.
//
// An actor's program is the very code that is to be tested. It is run once for each thing that can happen to it: which
// places a step reads, and what it does about what stands there, is kept (program.go, learn.go), so that the Explorer
// goes through millions of worlds at the price of some table lookups for each. Of orders that come to the same it takes
// one (reduce.go says which, and why that is enough).
//
// Nothing in here reads the clock of the machine, draws numbers without a seed or depends on the order of a map, so
// that the same choices always lead to the same world.
package recordtest
