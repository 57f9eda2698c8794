package pin

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"github.com/knakppp/knak/core/foreign"
	"github.com/knakppp/knak/core/trust"
)

// sizeLimit is the greatest size of a plugin's file, in octets.
const sizeLimit = 512 << 20

// State describes the state of a plugin's file in a few words.
type State string

// The states of a file, from good to bad.
const (
	OK            State = "ok"
	NotConfigured State = "not configured" // the file is fine, but no [plugins.NAME] names it
	NotPinned     State = "not pinned"
	Modified      State = "modified"
	Unsafe        State = "writable by others"
	WrongOwner    State = "wrong owner"
	NotExecutable State = "not executable"
	Missing       State = "missing"
	Unreadable    State = "unreadable"
)

// StateError says why a plugin must not run, and what to do.
type StateError struct {
	State State
	Path  string
	Text  string
	Cure  string
}

func (e *StateError) Error() string { return fmt.Sprintf("%s; try: %s", e.Text, e.Cure) }

// StateOf gives the state that belongs to an error of this package: OK for nil.
func StateOf(err error) State {
	var unsafe *trust.Error
	var state *StateError
	var none *NotFoundError
	switch {
	case err == nil:
		return OK
	case errors.As(err, &unsafe):
		if unsafe.Owner {
			return WrongOwner
		}
		return Unsafe
	case errors.As(err, &state):
		return state.State
	case errors.As(err, &none), errors.Is(err, fs.ErrNotExist):
		return Missing
	}
	return Unreadable
}

// openSafe opens a file that nobody but root and the user of this process could have put there or can change.
func openSafe(path string) (*os.File, error) {
	return foreign.Open(path, foreign.Rules{Limit: math.MaxInt64, Links: true, Trusted: true})
}

// openHashed opens a file, checks its owner and the way to it, and gives the SHA-256 of what this very descriptor holds.
func openHashed(path string) (*os.File, string, error) {
	f, err := openSafe(path)
	if err != nil {
		return nil, "", err
	}
	fail := func(err error) (*os.File, string, error) { return nil, "", errors.Join(err, f.Close()) }
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(f, sizeLimit+1))
	if err == nil && n > sizeLimit {
		err = fmt.Errorf("%s is larger than %d MiB", path, sizeLimit>>20)
	}
	if err != nil {
		return fail(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fail(err)
	}
	return f, hex.EncodeToString(h.Sum(nil)), nil
}

// Sum checks owner and mode of a file, and gives its SHA-256 in the form of plugins.lock.
func Sum(path string) (string, error) {
	f, sum, err := openHashed(path)
	if err != nil {
		return "", err
	}
	return sum, f.Close()
}

// Open opens a plugin's file so that it can be executed through its descriptor. It does so if nobody else can change the file, and
// its content is pinned in lock and has the SHA-256 want (from the configuration; "": any). The program that runs is the one that
// was hashed, even if the file's name leads elsewhere a moment later. The error is a *trust.Error or a *StateError.
func Open(lock *Lock, name, path, want string) (*os.File, error) {
	f, sum, err := openHashed(path)
	if err != nil {
		return nil, err
	}
	bad := func(state State, text, cure string) (*os.File, error) {
		return nil, errors.Join(&StateError{State: state, Path: path, Text: text, Cure: cure}, f.Close())
	}
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, errors.Join(err, f.Close())
	case st.Mode().Perm()&0o111 == 0:
		return bad(NotExecutable, path+" is not executable", "chmod a+x "+path)
	case !lock.Pinned(name):
		return bad(NotPinned, fmt.Sprintf("%s does not name the plugin %s", lock.Path, name), "knak plugins install "+path)
	case !lock.Has(name, sum):
		return bad(Modified, fmt.Sprintf("%s is not the file that was installed: its SHA-256 is %s", path, sum),
			"install it again from where you trust it: knak plugins install FILE")
	case want != "" && want != sum:
		return bad(Modified, fmt.Sprintf("%s has the SHA-256 %s, the configuration wants %s", path, sum, want),
			"correct sha256 in [plugins."+name+"], or install the file that it names")
	}
	return f, nil
}

// OpenAny opens a plugin's file so that it can be executed, for a person who runs it by hand. The file need not be
// pinned, but nobody else may be able to change it.
func OpenAny(path string) (*os.File, error) { return openSafe(path) }
