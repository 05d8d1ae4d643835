// Package supervise owns one attempt: it starts the command that the claim tells of, watches the fence, ends the
// command when it is told to, and writes the end once nothing of the attempt lives any more.
//
// It is a process of its own (`runsheet supervise ATTEMPT_DIR`), in its own session, and outlives the launcher and the
// terminal. All it is given is the attempt's directory. It decides nothing about the run: whether there will be
// another attempt is the launcher's business. It never writes an end while a process of the attempt lives.
package supervise

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/durable"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

// Verb is the first argument by which main knows that it is to be a supervisor.
const Verb = "supervise"

// The signals that a supervisor understands. They come from launchers and from `runsheet stop` of the same user. Those with
// numbers are real-time signals that nobody else has a use for (signal(7); glibc keeps 32 and 33 for itself).
const (
	SignalStop  = unix.SIGTERM       // end the command politely; the end is "stopped"
	SignalStuck = syscall.Signal(41) // the same; the end is "stuck"
	SignalHurry = syscall.Signal(42) // end it without waiting for the grace
	SignalLook  = unix.SIGHUP        // look over the fence now: somebody wrote a request

	// In a job of a scheduler SIGTERM is the scheduler's, which says to whoever asks it why it sent it, and these two are
	// what a launcher and the submission ask it to send.
	SignalJobStop   = syscall.Signal(40) // as SignalStop
	SignalTimeLimit = unix.SIGXCPU       // the time limit is near: end the command politely; the end is "time_limit"
)

// passedOn are signals that people send to a job, as `scancel --batch --signal=USR1`, and mean for the training code: to
// have it save a checkpoint.
var passedOn = []os.Signal{unix.SIGUSR1, unix.SIGUSR2, unix.SIGINT}

// FenceEvery is how often a supervisor looks whether its attempt is still its own: DESIGN rule 3.
const FenceEvery = 10 * time.Second

// Main runs the supervisor of the attempt in args[0], and returns its exit code. What goes wrong is said on stderr, which is
// kept beside the attempt's log once that can be opened.
func Main(args []string, stderr io.Writer) int { return MainEvery(FenceEvery, args, stderr) }

// MainEvery is Main with another time between two looks over the fence, above 0: tests need not wait for ten seconds.
func MainEvery(fence time.Duration, args []string, stderr io.Writer) int {
	// Before anything else: a signal that finds no handler would end the supervisor instead of its command.
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, append(passedOn, SignalStop, SignalStuck, SignalHurry, SignalLook, SignalJobStop, SignalTimeLimit)...)
	signal.Ignore(unix.SIGPIPE)
	if len(args) == 2 && args[0] == BatchFlag {
		return outcome(job(args[1]), func(format string, a ...any) { fmt.Fprintf(stderr, format+"\n", a...) })
	}
	if len(args) != 1 {
		fmt.Fprintln(stderr, "usage: runsheet supervise ATTEMPT_DIR (it is started by `runsheet run`, not by hand)")
		return 2
	}
	disk := durable.OS()
	if err := keepWords(disk, args[0]); err != nil {
		fmt.Fprintf(stderr, "keep the supervisor's words: %v\n", err)
		return 1
	}
	s := &supervisor{
		sys: record.NewSystem(disk), disk: disk, dir: args[0], signals: signals, stderr: stderr, fence: fence,
		cache: progress.New(disk, progress.Options{}),
	}
	return outcome(s.run(), s.say)
}

// keepWords has this process write what it says beside the attempt's log. Whoever starts a supervisor opens nothing for it:
// the attempt's file system may not answer, and that concerns nobody else.
func keepWords(disk durable.Disk, attemptDir string) error {
	log, err := durable.OpenOwn(disk, "supervise", record.SuperviseLogPath(attemptDir), os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return err
	}
	defer log.Close()
	for _, fd := range []int{1, 2} {
		if err := unix.Dup3(int(log.OS().Fd()), fd, 0); err != nil {
			return err
		}
	}
	return nil
}

// outcome says what came of a supervisor, and returns its exit code.
func outcome(err error, say func(format string, args ...any)) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, record.ErrHeld), errors.Is(err, record.ErrOver), errors.Is(err, record.ErrSuperseded),
		errors.Is(err, record.ErrStopAsked), errors.Is(err, record.ErrTaken):
		// Somebody else decided; that is how it is meant to be.
		say("left alone: %v", err)
		return 0
	}
	say("%v", err)
	if hint := durable.Hint(err); hint != "" {
		say("hint: %s", hint)
	}
	return 1
}

func (s *supervisor) say(format string, args ...any) {
	fmt.Fprintf(s.stderr, "%s %s\n", s.sys.Clock.Now().Format("2006-01-02T15:04:05.000Z07:00"), fmt.Sprintf(format, args...))
}
