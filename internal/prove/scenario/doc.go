// Package scenario plays small pieces of what Runsheet does with files, one of each kind, over any disk: it keeps what
// was acknowledged on the way, and says afterwards whether all of it is there, nothing is torn, nobody won what
// somebody else had won, and the run can be brought to its end from what is left.
//
// The actors call the production code in the order in which the launcher and the supervisor do. They start no
// processes: who they are and who lives is a small world of its own, so that a scenario is the same each time. What a
// scenario is played on, and what goes wrong there, is the business of those who call it.
package scenario
