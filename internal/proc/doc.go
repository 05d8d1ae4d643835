// Package proc says who a process is, finds the processes of an attempt and signals them. Linux only.
//
// A process is told by boot id, pid namespace, pid and start time (runsheet.Process), because a pid alone is soon
// somebody else's. A signal goes through a pidfd, and only after the identity was compared while the pidfd was held:
// it can hit the process that was meant or nothing.
//
// A zombie counts as gone: it runs nothing and holds no descriptor, though its pid is not free yet. A process whose
// first thread has exited while others go on is not a zombie, whatever ps prints.
//
// The package decides nothing. It never signals a process of its own accord, never looks at records, and writes no
// file.
package proc
