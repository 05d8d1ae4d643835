package cli

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"runsheet/internal/sheet"
)

// strict makes every command below root exit with 2 where its arguments are wrong, cobra's own commands included, and
// say what would be right.
func strict(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion":
			ownCompletion(cmd)
		case "help":
			ownHelp(root, cmd)
		}
	}
	wrapArgs(root)
}

func wrapArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			var coded *codedError
			if err == nil || errors.As(err, &coded) {
				return err
			}
			// No command takes too few without saying so itself.
			return usage(fmt.Errorf("%s: too many arguments: %s", cmd.CommandPath(), strings.Join(args, " ")),
				"it is used like: "+cmd.UseLine())
		}
	}
	for _, sub := range cmd.Commands() {
		wrapArgs(sub)
	}
}

// flagError says what is wrong with a flag, and what would be right. args is the whole command line.
func flagError(cmd *cobra.Command, args []string, err error) error {
	var value *pflag.InvalidValueError
	if errors.As(err, &value) {
		flag, given := value.GetFlag(), value.GetValue()
		name := "--" + flag.Name
		if flag.Shorthand != "" {
			name = "-" + flag.Shorthand
		}
		switch flag.Value.Type() {
		case "int":
			return usage(fmt.Errorf("%s %s: not a whole number", name, given), "write it like "+name+" 2")
		case "duration":
			return usage(fmt.Errorf("%s %s: not a time", name, given), "write it like "+name+" 90s or 10m")
		}
	}
	if words := commandWords(cmd, args); words != nil {
		return usage(err, "an option of the command to be run stands in its quotes: "+sheet.OneCommand(words))
	}
	return usage(err, fmt.Sprintf("`%s --help` lists the flags", cmd.CommandPath()))
}

// commandWords returns the words of a command that was given to run without quotes around it, and what follows it; nil: there
// is none. The flags that run has itself are not of it.
func commandWords(cmd *cobra.Command, args []string) []string {
	at := slices.Index(args, "run")
	if cmd.Name() != "run" || at < 0 {
		return nil
	}
	for rest := args[at+1:]; len(rest) > 0; rest = rest[1:] {
		if word := rest[0]; !strings.HasPrefix(word, "-") {
			if ext := path.Ext(word); ext == ".yaml" || ext == ".yml" || len(rest) == 1 {
				return nil
			}
			return withoutJobs(rest)
		}
		name, _, whole := strings.Cut(strings.TrimLeft(rest[0], "-"), "=")
		flag := cmd.Flags().Lookup(name)
		if flag == nil && len(name) == 1 {
			flag = cmd.Flags().ShorthandLookup(name)
		}
		if flag != nil && flag.NoOptDefVal == "" && !whole && len(rest) > 1 {
			rest = rest[1:] // its value
		}
	}
	return nil
}

// withoutJobs leaves -j and its number out at the end of a command line: they are run's own.
func withoutJobs(words []string) []string {
	if n := len(words); n > 3 && (words[n-2] == "-j" || words[n-2] == "--jobs") {
		return words[:n-2]
	}
	return words
}

const completionCodes = "\n\nExit codes: 0 done, 2 the command line is wrong."

// ownCompletion gives cobra's completion command a word for a shell that it does not know.
func ownCompletion(cmd *cobra.Command) {
	var shells []string
	for _, sub := range cmd.Commands() {
		shells = append(shells, sub.Name())
		sub.Long = strings.TrimSpace(sub.Long) + completionCodes
	}
	cmd.Long = strings.TrimSpace(cmd.Long) + completionCodes
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return usage(fmt.Errorf("there is no completion for %q", args[0]), "choose one of "+strings.Join(shells, ", "))
	}
}

// ownHelp makes a topic that does not exist an error.
func ownHelp(root, cmd *cobra.Command) {
	cmd.Long = strings.TrimSpace(cmd.Long) + completionCodes
	cmd.Run = nil
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		topic, rest, err := root.Find(args)
		if err != nil || topic == nil || topic == root && len(rest) > 0 {
			return unknownCommand(root, strings.Join(args, " "))
		}
		topic.InitDefaultHelpFlag()
		topic.InitDefaultVersionFlag()
		return topic.Help()
	}
}
