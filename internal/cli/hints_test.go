package cli_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// aCommand is a command about a sheet; a quoted one is completed with the sheet's name by whoever shows it.
var aCommand = regexp.MustCompile("(`?)runsheet (run|plan|status|logs|stop|retry|wait|report|check)\\b((?: --[a-z]+)*`?)")

// TestHintsAreQuoted: every command that the code names to a person stands in backquotes, so that Sheet.Spelled completes
// it with the sheet's name. Only the help texts, which are about no sheet, are free.
func TestHintsAreQuoted(t *testing.T) {
	commands := 0
	sources(t, "../..", func(path string, fset *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			if kv, ok := n.(*ast.KeyValueExpr); ok {
				if key, ok := kv.Key.(*ast.Ident); ok && (key.Name == "Long" || key.Name == "Short" || key.Name == "Use") {
					return false
				}
			}
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range aCommand.FindAllStringSubmatch(text, -1) {
				commands++
				if strings.HasPrefix(m[3], "`") && (m[2] == "stop" || m[2] == "retry" || m[2] == "logs") {
					t.Errorf("%s: %q names no run: %q", fset.Position(lit.Pos()), m[0], text)
				}
				if m[1] == "" {
					t.Errorf("%s: %q is not in backquotes, so that nobody names the sheet in it: %q", fset.Position(lit.Pos()), m[0], text)
				}
			}
			return true
		})
	})
	if commands < 20 {
		t.Errorf("%d commands found in the code: this test looks in the wrong place", commands)
	}
}

// TestOneVoice: the commands tell a person things through Env.say and complain alone, which complete the commands in them.
func TestOneVoice(t *testing.T) {
	sources(t, ".", func(path string, fset *token.FileSet, file *ast.File) {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Name.Name == "say" {
				continue
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				fun, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || !strings.HasPrefix(fun.Sel.Name, "Fprint") && fun.Sel.Name != "WriteString" || len(call.Args) == 0 {
					return true
				}
				if to, ok := call.Args[0].(*ast.SelectorExpr); ok && to.Sel.Name == "Err" {
					t.Errorf("%s: written to standard error, and not said", fset.Position(call.Pos()))
				}
				return true
			})
		}
	})
}

// sources parses the product's files below a directory.
func sources(t *testing.T, top string, look func(string, *token.FileSet, *ast.File)) {
	fset := token.NewFileSet()
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "prove" || path != top && strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err == nil {
			look(path, fset, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
