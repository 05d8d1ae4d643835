// Command runsheet launches, watches and resumes a grid of experiments. See README.md.
package main

import (
	"os"

	"runsheet/internal/cli"
	"runsheet/internal/forkserver"
	"runsheet/internal/front"
	"runsheet/internal/supervise"
)

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case supervise.Verb: // one for each attempt: nothing else is set up before it
			os.Exit(supervise.Main(os.Args[2:], os.Stderr))
		case forkserver.Verb: // one for each launcher
			os.Exit(forkserver.Main(os.Stderr))
		}
	}
	if code, over := front.Run(os.Args); over {
		os.Exit(code)
	}
	front.Exit(cli.Main(os.Args[1:], cli.System()))
}
