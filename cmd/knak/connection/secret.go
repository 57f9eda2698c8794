package connection

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"golang.org/x/term"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/foreign"
	"github.com/knakppp/knak/core/ppp/auth"
)

// secretLimit bounds a password or PIN file.
const secretLimit = 4096

// readSecret reads the first line of a file: a password or a PIN. One that others may write is refused, because they would
// have the SIM locked or log in as somebody else; one that others may read is warned of and used, as pppd does: containers
// are given such files. What comes through a pipe is waited for, but not for longer than the dial may take.
func readSecret(t *terminal.Terminal, flag, path string, patience time.Duration) (auth.Secret, error) {
	if path == "" {
		return auth.Secret{}, nil
	}
	type result struct {
		secret auth.Secret
		err    error
	}
	done := make(chan result, 1)
	go func() {
		secret, err := openSecret(t, path)
		done <- result{secret, err}
	}()
	var late <-chan time.Time
	if file, ok := t.In.(*os.File); patience > 0 && !(path == "-" && ok && term.IsTerminal(int(file.Fd()))) { // a person may take his time
		late = time.After(patience)
	}
	select {
	case r := <-done:
		if r.err != nil {
			return auth.Secret{}, exit.Usagef("--%s: %w", flag, r.err)
		}
		return r.secret, nil
	case <-late:
		return auth.Secret{}, exit.Usagef("--%s: nothing came through %s within %v (--timeout)", flag, path, patience)
	}
}

func openSecret(t *terminal.Terminal, path string) (auth.Secret, error) {
	if path == "-" {
		return firstLine(t.In)
	}
	f, err := foreign.Open(path, foreign.Rules{Limit: maxSecretFile, Named: true, Trusted: os.Geteuid() == 0 || windows})
	if err != nil {
		return auth.Secret{}, err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Mode().IsRegular() && !windows { // which has no such bits: trust has looked at its lists
		switch {
		case st.Mode().Perm()&0o002 != 0:
			return auth.Secret{}, fmt.Errorf("%s may be written by others: chmod o-w %s", path, path)
		case st.Mode().Perm()&0o004 != 0:
			fmt.Fprintf(t.Err, "knak: warning: %s may be read by others: chmod o-r %s\n", path, path)
		}
	}
	return firstLine(f)
}

const windows = runtime.GOOS == "windows"

// maxSecretFile bounds the file, of which only the first line counts.
const maxSecretFile = 1 << 20

// firstLine reads a line, and wipes what it was read into.
func firstLine(r io.Reader) (auth.Secret, error) {
	buffer := make([]byte, secretLimit+1)
	defer clear(buffer)
	n := 0
	for n < len(buffer) && bytes.IndexByte(buffer[:n], '\n') < 0 {
		more, err := r.Read(buffer[n:])
		n += more
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return auth.Secret{}, err
		}
	}
	text := bytes.TrimPrefix(buffer[:n], []byte("\xef\xbb\xbf")) // the byte order mark of UTF-8, which editors of Windows write
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return auth.Secret{}, errors.New("this is UTF-16, as PowerShell's > writes it: write it with Set-Content -Encoding ascii")
	}
	line, _, ended := bytes.Cut(text, []byte("\n"))
	if len(line) > secretLimit || !ended && n > secretLimit {
		return auth.Secret{}, fmt.Errorf("the first line is longer than %d octets", secretLimit)
	}
	return auth.NewSecret(string(bytes.TrimRight(line, "\r"))), nil
}
