package pin

import (
	"errors"
	"strings"
)

// Looked describes a plugin's file.
type Looked struct {
	Path    string // "": it was not found
	SHA256  string // the SHA-256 of its content; "": it cannot be read
	State   State
	Problem string // the reason why it must not run; "": it may
	Cure    string
}

// Look examines a plugin's file, at path or, if that is "", in dirs. sum is the SHA-256 in the configuration, as in Open. Look
// starts nothing.
func (l *Lock) Look(dirs []string, name, path, sum string) Looked {
	at := Looked{Path: path}
	var err error
	if at.Path == "" {
		at.Path, err = Find(dirs, name)
	}
	if err == nil {
		at.SHA256, _ = Sum(at.Path) // Open says what is wrong
		f, bad := Open(l, name, at.Path, sum)
		if err = bad; err == nil {
			_ = f.Close() // only looked at
		}
	}
	if at.State = StateOf(err); err == nil {
		return at
	}
	at.Problem, at.Cure = err.Error(), "knak plugins install FILE"
	var bad *StateError
	if errors.As(err, &bad) {
		at.Problem, at.Cure = bad.Text, bad.Cure
	} else if _, cure, ok := strings.Cut(at.Problem, ": ch"); ok {
		at.Problem, at.Cure = strings.TrimSuffix(at.Problem, ": ch"+cure), "ch"+cure // trust's chmod or chown
	}
	return at
}
