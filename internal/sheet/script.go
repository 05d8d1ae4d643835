package sheet

import (
	"path/filepath"
	"strings"
)

// starters are what starts a script, by the end of its name.
var starters = map[string]string{
	".py": "python", ".sh": "bash", ".bash": "bash", ".r": "Rscript", ".jl": "julia", ".pl": "perl", ".lua": "lua", ".js": "node", ".m": "octave", ".rb": "ruby",
}

// Script returns the command that starts a file which is a script by its name: "python train.py" for train.py; empty: it is none.
func Script(name string) string {
	starter := starters[strings.ToLower(filepath.Ext(name))]
	if starter == "" {
		return ""
	}
	return starter + " " + name
}

// scriptHint says what is to be done with a script that was named where a sheet belongs.
func scriptHint(command string) string {
	return "a sheet says how it is run: `runsheet run '" + command + " --lr {lr}' lr=0.1,0.01`; or a " + FileName + " with the line `command: " + command + " --lr {lr}`"
}
