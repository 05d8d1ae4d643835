// Package sheet reads a runsheet.yaml and expands it into runs. It also writes the sheet that an inline command line
// amounts to, and the JSON Schema of sheets.
//
// A value keeps the text that the user typed (1e-3, 010, on): YAML readers disagree about what such text means, so
// nothing here ever decodes a parameter and prints it again. Every problem of a sheet is found in one reading, each
// with file, line, column and, where there is something to do about it, a hint.
//
// The package reads the sheet, the files that its `configs` find and its `commands` file, and nothing else. It writes
// nothing, runs nothing, and does not look into work dirs.
package sheet
