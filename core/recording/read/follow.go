package read

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// Follow gives the octets of a file that is still growing: at the end of the file, Read waits for more. Read gives io.EOF when
// ctx ends, or when the file is removed or renamed. If the file is made shorter, it is read from its beginning again. The system
// reports changes (inotify and the like); there is no polling.
func Follow(ctx context.Context, f *os.File) (io.ReadCloser, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be followed: %w", f.Name(), err)
	}
	// The directory is watched: there, a file that is moved away is noticed even while another program has it open.
	name, err := filepath.Abs(f.Name())
	if err == nil {
		err = w.Add(filepath.Dir(name))
	}
	if err != nil {
		_ = w.Close() // nothing was watched yet
		return nil, fmt.Errorf("%s: cannot be followed: %w", f.Name(), err)
	}
	return &follower{ctx: ctx, f: f, w: w, name: name}, nil
}

type follower struct {
	ctx  context.Context
	f    *os.File
	w    *fsnotify.Watcher
	name string
	gone bool
}

func (r *follower) Read(p []byte) (int, error) {
	for {
		n, err := r.f.Read(p)
		if n > 0 || err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
		if r.gone {
			return 0, io.EOF
		}
		if shrunk, err := r.shrunk(); err != nil {
			return 0, err
		} else if shrunk {
			if _, err := r.f.Seek(0, io.SeekStart); err != nil {
				return 0, fmt.Errorf("%s: %w", r.name, err)
			}
			continue
		}
		if err := r.wait(); err != nil {
			return 0, err
		}
	}
}

// shrunk says whether the file has become shorter than the part that was read.
func (r *follower) shrunk() (bool, error) {
	info, err := r.f.Stat()
	if err != nil {
		return false, fmt.Errorf("%s: %w", r.name, err)
	}
	at, err := r.f.Seek(0, io.SeekCurrent)
	if err != nil {
		return false, fmt.Errorf("%s: %w", r.name, err)
	}
	return info.Size() < at, nil
}

// wait waits for a change of the file.
func (r *follower) wait() error {
	for {
		select {
		case <-r.ctx.Done():
			return io.EOF
		case e, ok := <-r.w.Events:
			switch {
			case !ok:
				return io.EOF
			case e.Name != r.name:
			case e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename):
				r.gone = true // what was written before can still be read
				return nil
			case e.Has(fsnotify.Write) || e.Has(fsnotify.Chmod):
				return nil
			}
		case err, ok := <-r.w.Errors:
			if !ok {
				return io.EOF
			}
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				return nil
			}
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
}

// Close stops watching the file. The file itself stays open.
func (r *follower) Close() error { return r.w.Close() }
