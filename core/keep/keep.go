// Package keep keeps a short list in a file of the state directory: facts that this machine's dials have found out and later dials
// should know. A dial works without it: a file that cannot be read or written causes a message and nothing else.
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

// List is a list of T in a file. The entry that was put last stands first. Several goroutines may use it.
type List[T any] struct {
	path string
	what string // what is in it, for people: "which port worked"
	tell func(text string)
	mu   sync.Mutex
}

// Open gives the list in the file at path, which need not exist. If path is "", the list remembers nothing. what names the content
// in messages; tell gets a message if the file cannot be read or written.
func Open[T any](path, what string, tell func(string)) *List[T] {
	return &List[T]{path: path, what: what, tell: tell}
}

// Path gives the path of the file.
func (l *List[T]) Path() string { return l.path }

// All gives the entries, the last put first.
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

// Put adds an entry and removes all entries for which same is true. If the list is full, the entry that was put longest ago is
// removed.
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

// Drop removes all entries for which same is true, and says whether there were any.
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
