// Package recordtest is a world in memory for the steps of internal/record, and an explorer that drives actors through
// their interleavings in it. It is for tests only; no package of the program imports it.
//
// A World has hosts, processes, one file system that all of them see, and locks. Each call that a process makes on its
// record.System is one step: it passes through the World's hook first, which may let other processes act before it,
// make the call fail, or not come back because the process is dead. A process that dies loses its locks at once; its
// children live on.
//
// Nothing in here reads the clock of the machine, draws random numbers or depends on the order of a map, so that the
// same choices always lead to the same world.
package recordtest
