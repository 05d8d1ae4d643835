// Package cli is the command line: one file a command. It wires the packages together and turns their errors into a
// message, a hint and an exit code; it holds no logic of its own, and is the only package that knows all the others.
//
// Standard output carries results only; everything else goes to standard error. Colours, bars and the live view appear
// on a terminal only, and NO_COLOR is honoured.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// The exit codes. Every command's help lists its own.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitHeld    = 3
	exitStuck   = 4 // of wait alone, as the next two
	exitTimeout = 5
	exitNobody  = 6
	exitStopped = 130
)

// Env is what the commands see of the world.
type Env struct {
	In       *os.File
	Out, Err io.Writer
	Dir      string // the working directory
	Disk     durable.Disk

	about *subject
}

// A subject is what a command line is about, once that is known.
type subject struct{ sheet *runsheet.Sheet }

// System returns the environment of this process.
func System() Env {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	return Env{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Dir: dir, Disk: durable.OS()}
}

// Main runs a command line and returns the exit code.
func Main(args []string, env Env) int {
	env.about = &subject{}
	root := newRoot(env)
	root.SetArgs(args)
	cmd, err := root.ExecuteC()
	if err == nil {
		return exitDone
	}
	if flag := cmd.Flags().Lookup("sheet"); flag != nil && env.about.sheet == nil && flag.Value.String() != "" {
		path := sheetPath(env, flag.Value.String()) // the command line is wrong, and its sheet was not read
		env.about.sheet = &runsheet.Sheet{Path: path, Typed: typed(env, path)}
	}
	code := exitFailed
	var coded *codedError
	switch {
	case errors.As(err, &coded):
		code = coded.code
		err = coded.error
	case errors.Is(err, record.ErrLauncher):
		code = exitHeld
	}
	if err != nil {
		complain(env, err)
	}
	return code
}

func newRoot(env Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "runsheet",
		Short: "Write down a grid of experiments, and walk away",
		Long: `Runsheet launches what is missing of a grid of experiments, notices what is stuck or failed and why, resumes
it, tells the true progress of every run from the files that the training code writes anyway, and ends with a
results table. The grid is written down in runsheet.yaml; the training code stays as it is.

Exit codes: 0 done, 1 some run failed, 2 the command line or the sheet is wrong, 3 another launcher holds the sheet,
130 stopped by Ctrl-C. The help of each command lists its own.`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(err, fmt.Sprintf("`%s --help` lists the flags", cmd.CommandPath()))
	})
	root.SetVersionTemplate("runsheet {{.Version}}\n")
	root.AddCommand(newRun(env), newPlan(env), newStatus(env), newLogs(env), newStop(env), newRetry(env), newWait(env),
		newReport(env), newCheck(env), newSchema(env), newVersion(env))
	root.CompletionOptions.HiddenDefaultCmd = false
	strict(root)
	return root
}

func unknownCommand(cmd *cobra.Command, name string) error {
	hint := "`runsheet --help` lists the commands"
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		hint = "did you mean `runsheet " + strings.Join(near, "` or `runsheet ") + "`?"
	}
	return usage(fmt.Errorf("there is no command %q", name), hint)
}

// codedError is an error with the exit code that it means. A nil error inside says nothing, and only exits.
type codedError struct {
	error
	code int
}

func (e *codedError) Unwrap() error { return e.error }

// exit returns an error that says nothing and exits with a code; nil for 0.
func exit(code int) error {
	if code == exitDone {
		return nil
	}
	return &codedError{nil, code}
}

// usage is an error of the command line or of the sheet.
func usage(err error, hint string) error {
	if hint != "" {
		err = durable.WithHint(err, hint)
	}
	return &codedError{err, exitUsage}
}

// say tells a person something on standard error, in lines of its own. Every word there but a view's goes through it, so
// that the commands in it name the sheet where it has to be named.
func (env Env) say(format string, args ...any) {
	fmt.Fprintln(env.Err, env.about.sheet.Spelled(fmt.Sprintf(format, args...)))
}

// complain says an error, and below it what to do.
func complain(env Env, err error) {
	env.say("runsheet: %s", clean(err.Error()))
	if hint := durable.Hint(err); hint != "" {
		env.say("  hint: %s", clean(hint))
	}
}

// clean makes text that may hold some from outside fit for a terminal, line by line.
func clean(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		lines[i] = line[:indent] + diagnose.Clean(line)
	}
	return strings.Join(lines, "\n")
}

// isTerminal says whether w is a terminal, whatever it can show.
func isTerminal(w io.Writer) bool {
	f, isFile := w.(*os.File)
	return isFile && term.IsTerminal(int(f.Fd()))
}

// terminal says whether w is a terminal that we may draw on, and how wide it is in columns.
func terminal(w io.Writer) (width int, ok bool) {
	if !isTerminal(w) || os.Getenv("TERM") == "dumb" {
		return 0, false
	}
	width, _, err := term.GetSize(int(w.(*os.File).Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	return width, true
}

// colour says whether colours may be written to w.
func colour(w io.Writer) bool {
	_, ok := terminal(w)
	return ok && os.Getenv("NO_COLOR") == ""
}

// userName returns who we are, for records that people read.
func userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}
