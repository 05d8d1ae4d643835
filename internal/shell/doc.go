// Package shell knows placeholders and quoting: it parses the templates of a sheet and fills values into shell commands
// and into paths, so that no value can become anything but text.
//
// A placeholder is {identifier}, or a dotted {config.stem}; every other brace is left alone: ${X}, {a,b}, {1..3}, the
// braces of JSON and of awk. {{ stands for one {, and the }} that closes it for one }, so that {{lr}} is the text {lr};
// a }} that closes nothing of that kind stays as it is, so that {"a": {"b": 1}} does too.
//
// The package is pure: it imports no os, runs no shell, and knows nothing of sheets. Errors carry the byte offset in
// the template, from which the caller makes a line and a column.
package shell
