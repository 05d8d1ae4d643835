package launcher

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/forkserver"
	"runsheet/internal/observe"
	"runsheet/internal/record"
)

const (
	codeEvery    = time.Minute     // between two looks at the code, which may change while a launcher lives
	codePatience = 5 * time.Second // for git; one that takes longer is not asked again
	maxDiff      = 16 << 20        // bytes that are kept of a diff
)

// code is which code lies in the sheet's directory, as git tells it. The zero value says that nobody knows.
type code struct {
	commit string
	diff   string // what the diff of the files that git tracks is kept as; empty: there is none
	dirty  bool
}

// codeNow returns which code an attempt finds that is launched now, as it was a minute ago at most. The diff is kept beside
// the journal, once for all attempts that find the same.
func (l *Launcher) codeNow(ctx context.Context) code {
	now := l.sys.Clock.Now()
	if l.codeUnknown || !l.codeAt.IsZero() && now.Sub(l.codeAt) < codeEvery && !now.Before(l.codeAt) {
		return l.code
	}
	l.codeAt, l.code = now, code{}
	type answer struct {
		commit string
		diff   []byte
		err    error
	}
	// Its patience is longer than that of the context: a git that is slow is ended, and blames no file system.
	a, _, ok := observe.Try(ctx, l.sheet.Dir, 2*codePatience, func() (a answer) {
		ctx, cancel := context.WithTimeout(ctx, codePatience)
		defer cancel()
		a.commit, a.diff, a.err = codeIn(ctx, l.fork, l.sheet.Dir)
		return a
	})
	if !ok || a.err != nil {
		l.codeUnknown = true
		return l.code
	}
	l.code = code{commit: a.commit, dirty: len(a.diff) > 0}
	if l.code.dirty {
		sum := sha256.Sum256(a.diff)
		name := hex.EncodeToString(sum[:8])
		path := record.DiffPath(l.state, name)
		err := l.sys.FS.Private("code", filepath.Dir(path), true)
		if err == nil {
			err = l.sys.FS.WriteOnce("code", path, a.diff)
		}
		if err == nil || errors.Is(err, durable.ErrExists) {
			l.code.diff = name
		}
	}
	return l.code
}

// note writes into a claim which code its attempt finds.
func (c code) note(claim *runsheet.Claim) {
	claim.Commit, claim.Dirty, claim.Diff = c.commit, c.dirty, c.diff
}

// codeIn asks git for the commit of a directory, and for what differs from it in the files that git tracks. The work dirs of
// runs are mostly not tracked, and say nothing of the code.
func codeIn(ctx context.Context, fork *forkserver.Server, dir string) (commit string, diff []byte, err error) {
	head, err := git(ctx, fork, dir, "rev-parse", "--verify", "HEAD")
	if err != nil {
		return "", nil, err
	}
	commit = strings.TrimSpace(string(head))
	if _, err := hex.DecodeString(commit); err != nil || commit == "" {
		return "", nil, errors.New("git names no commit")
	}
	diff, err = git(ctx, fork, dir, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD")
	return commit, diff, err
}

// git runs git in a directory, and changes nothing there.
func git(ctx context.Context, fork *forkserver.Server, dir string, args ...string) ([]byte, error) {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "GIT_") }) // a hook's, of another repository
	c := forkserver.Command{Name: "git", Args: append([]string{"git", "-C", dir, "-c", "core.fsmonitor=false"}, args...),
		Env: append(env, "GIT_OPTIONAL_LOCKS=0"), Dir: "/"}
	var out bounded
	if err := fork.Run(ctx, c, &out, io.Discard, time.Second); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// bounded keeps the first part of what is written to it.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(maxDiff-b.Len(), 0))])
	return len(p), nil
}
