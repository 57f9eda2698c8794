// Package keep keeps a short list in a file of the state directory: what this machine's dials have found out and later ones
// should know. It is a convenience: what cannot be read or written is told and holds up nothing.
package keep

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"sync"

	"github.com/knakppp/knak/core/foreign"
)

// The bounds of a list: a machine sees few modems.
const (
	maxEntries = 64
	maxOctets  = 256 << 10
)

// List is a list of T in a file, the last kept first. It may be used by several goroutines.
type List[T any] struct {
	path string
	what string // what is in it, for people: "which port worked"
	tell func(text string)
	mu   sync.Mutex
}

// Open gives the list in a file, which need not exist. With "" as its path the list remembers nothing. what names the
// content in messages; tell gets the message when something is wrong with the file.
func Open[T any](path, what string, tell func(string)) *List[T] {
	return &List[T]{path: path, what: what, tell: tell}
}

// Path is where the file is.
func (l *List[T]) Path() string { return l.path }

// All gives the entries.
func (l *List[T]) All() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.read()
}

func (l *List[T]) read() []T {
	if l.path == "" {
		return nil
	}
	b, err := foreign.Read(l.path, foreign.Rules{Limit: maxOctets, Trusted: true})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var list []T
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil {
		l.tell(fmt.Sprintf("%s is not known: %v", l.what, err))
		return nil
	}
	return list
}

// Put keeps an entry in place of those that are of the same thing. The one that was put longest ago makes room.
func (l *List[T]) Put(entry T, same func(T) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.read()
	if len(old) > 0 && reflect.DeepEqual(old[0], entry) {
		return // nothing to write: the disk of a gateway lasts longer
	}
	list, _ := without(old, same)
	l.write(append([]T{entry}, list...))
}

// Drop takes out what same says, and tells whether anything was there.
func (l *List[T]) Drop(same func(T) bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	list, some := without(l.read(), same)
	if some {
		l.write(list)
	}
	return some
}

// Clear removes the file.
func (l *List[T]) Clear() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.path == "" {
		return nil
	}
	if err := os.Remove(l.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func without[T any](list []T, same func(T) bool) (rest []T, some bool) {
	for _, e := range list {
		if same(e) {
			some = true
			continue
		}
		rest = append(rest, e)
	}
	return rest, some
}

// write puts the list on the disk. Only its user may read it: a user name may be among what is kept.
func (l *List[T]) write(list []T) {
	if l.path == "" {
		return
	}
	if list == nil {
		list = []T{}
	}
	b, err := json.MarshalIndent(list[:min(len(list), maxEntries)], "", " ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(l.path), 0o755)
	}
	if err == nil {
		err = foreign.Replace(l.path, append(b, '\n'), 0o600)
	}
	if err != nil {
		l.tell(fmt.Sprintf("%s is not remembered: %v", l.what, err))
	}
}
