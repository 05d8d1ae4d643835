package sheet

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"runsheet"
)

// FileName is what a sheet is called unless its user says otherwise.
const FileName = "runsheet.yaml"

// stateDir is our directory beside a sheet; sheets of inline command lines are written into it.
const stateDir = ".runsheet"

// maxSheet is how long a sheet can be, in bytes.
const maxSheet = 16 << 20

// Load reads and expands the sheet at path; for a directory, the runsheet.yaml in it. A sheet in a directory called
// .runsheet belongs to the directory above. The error is of type Errors and names path as it was given.
func Load(path string) (*runsheet.Sheet, error) {
	shown := path
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		shown = filepath.Join(path, FileName)
	}
	abs, err := filepath.Abs(shown)
	if err != nil {
		return nil, failed(shown, err, "")
	}
	data, err := realDisk{}.Read(abs, maxSheet)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failed(shown, fs.ErrNotExist,
			"write a "+FileName+" here, name one, or say it all at once: `runsheet run 'python t.py --lr {lr}' lr=0.1,0.01`")
	}
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err // the path is said already
		}
		return nil, failed(shown, err, "")
	}
	return parse(data, shown, abs, realDisk{})
}

func failed(file string, err error, tip string) error {
	return Errors{{What: "read the sheet", File: file, Msg: err.Error(), Tip: tip, Err: err}}
}

// parse expands the text of a sheet; shown is what errors call it, abs its absolute path.
func parse(data []byte, shown, abs string, files disk) (*runsheet.Sheet, error) {
	digest := sha256.Sum256(data)
	d := document{files: files}
	d.file = shown
	d.sheet = runsheet.Sheet{Path: abs, Dir: filepath.Dir(abs), Digest: hex.EncodeToString(digest[:])}
	if filepath.Base(d.sheet.Dir) == stateDir {
		d.sheet.Dir = filepath.Dir(d.sheet.Dir)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	d.lines = strings.Split(string(data), "\n")
	if !d.readable() {
		return nil, d.err()
	}
	root := d.tree(data)
	if root == nil {
		return nil, d.err()
	}
	d.sheet.Name = stem(filepath.Base(abs))
	d.read(root)
	if err := d.err(); err != nil {
		return nil, err
	}
	return &d.sheet, nil
}

// readable checks that the file is text, and says where it is not.
func (d *document) readable() bool {
	for i, line := range d.lines {
		column := 0
		for j, c := range line {
			column++
			_, size := utf8.DecodeRuneInString(line[j:])
			switch {
			case c == utf8.RuneError && size == 1:
				d.add(position{d.file, i + 1, column}, "not a text", "the byte here is not UTF-8", "save the file as UTF-8")
				return false
			case c < ' ' && c != '\t' && c != '\r' || c >= 0x7f && c < 0xa0 && c != 0x85:
				d.add(position{d.file, i + 1, column}, "not a text", fmt.Sprintf("the control character %U stands here", c),
					`leave it out, or write it as an escape in double quotes`)
				return false
			}
		}
	}
	return true
}

// tree parses the YAML.
func (d *document) tree(data []byte) *yaml.Node {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	var doc, second yaml.Node
	if err == nil {
		err = loader.Load(&doc)
	}
	if errors.Is(err, io.EOF) || err == nil && (len(doc.Content) == 0 || isNull(doc.Content[0])) {
		d.add(position{file: d.file}, "read the sheet", "it is empty", "the least is a line like `command: python train.py`")
		return nil
	}
	if err == nil {
		if err = loader.Load(&second); err == nil {
			d.wrong(&second, "wrong YAML", "one file is one sheet", "a second document begins here")
			return nil
		}
		if errors.Is(err, io.EOF) {
			return doc.Content[0]
		}
	}
	at, msg := position{file: d.file}, err.Error()
	var e *yaml.LoadError
	if errors.As(err, &e) {
		msg = e.Message
		if e.Mark.Line > 0 {
			at.line, at.column = e.Mark.Line, max(e.Mark.Column, 1)
		}
	}
	tip := ""
	switch {
	case strings.Contains(msg, "cannot start any token") && at.line > 0 && strings.Contains(d.lines[min(at.line, len(d.lines))-1], "\t"):
		tip = "YAML is indented with blanks, never with tabs"
	case strings.Contains(msg, "mapping values are not allowed"):
		tip = "text that holds a colon and a blank has to stand in quotes"
	case strings.Contains(msg, "cannot start any token"):
		tip = "text that begins with a special character has to stand in quotes"
	}
	d.add(at, "wrong YAML", msg, tip)
	return nil
}
