package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
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
