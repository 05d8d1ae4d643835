// Command runsheet launches, watches and resumes a grid of experiments. See README.md.
package main

import (
	"os"

	"runsheet/internal/cli"
	"runsheet/internal/supervise"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == supervise.Verb { // one for each attempt: nothing else is set up before it
		os.Exit(supervise.Main(os.Args[2:], os.Stderr))
	}
	os.Exit(cli.Main(os.Args[1:], cli.System()))
}
