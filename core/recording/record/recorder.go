package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/knakppp/knak/core/event"
)

const (
	// gather is how long octets and events are gathered before they are written. syncEvery is how often the file is synced
	// while something is written. After a power cut, less than a second is missing, the time that a card needs included.
	gather    = 200 * time.Millisecond
	syncEvery = 500 * time.Millisecond

	// closePatience is how long Close waits for a file that accepts no data.
	closePatience = 2 * time.Second
)

// File is what a Recorder writes to: an *os.File, or a test's.
type File interface {
	Write([]byte) (int, error)
	// Sync waits until what was written is on the disk.
	Sync() error
	// Truncate cuts the file to size octets, so that it ends with a complete block after a write that failed in the middle.
	Truncate(size int64) error
	Close() error
}

// Recorder writes a recording in a goroutine of its own. Its methods may be called from several goroutines; only Close waits for
// the file.
type Recorder struct {
	queue  queue
	name   string
	file   File
	notice func(event.Notice)
	done   chan struct{}

	mu    sync.Mutex // guards what follows
	stats Stats
	err   error
	told  bool
}

// Stats counts what a Recorder has done.
type Stats struct {
	Octets     uint64 // octets of the line that were recorded
	Written    int64  // octets written to the file
	LostOctets uint64 // octets of the line that could not be written
	LostEvents uint64
}

// Create makes the file name, with the directories above it, and records into it. The file must not exist; only its owner may
// read it. notice, which may be nil, is called once, from another goroutine, if something could not be written.
func Create(name string, o Options, notice func(event.Notice)) (*Recorder, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s exists already, and recordings are not overwritten: give another name, or remove it", name)
	}
	if err != nil {
		return nil, err
	}
	return Start(name, osFile{f}, o, notice), nil
}

// osFile is a File in the file system.
type osFile struct{ *os.File }

// Sync waits until the octets are on the disk, with only as much metadata as is needed to read them (fdatasync).
func (f osFile) Sync() error {
	err := datasync(f.File)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EROFS) {
		return nil // a pipe or a device: there is nothing to sync
	}
	return err
}

// Truncate cuts the file to size octets; the next write goes to its new end.
func (f osFile) Truncate(size int64) error {
	if err := f.File.Truncate(size); err != nil {
		return err
	}
	_, err := f.Seek(size, 0)
	return err
}

// Start records into an open, empty file.
func Start(name string, file File, o Options, notice func(event.Notice)) *Recorder {
	r := &Recorder{name: name, file: file, notice: notice, done: make(chan struct{})}
	r.queue.wake = make(chan struct{}, 1)
	if r.notice == nil {
		r.notice = func(event.Notice) {}
	}
	go r.run(o)
	return r
}

// Bytes records octets that passed at now. It copies p.
func (r *Recorder) Bytes(now time.Time, dir event.Dir, p []byte) { r.queue.bytes(now, dir, p) }

// Hide adds secrets, which are hidden in the octets from now on. Those in Options.Hidden are hidden from the start.
func (r *Recorder) Hide(secrets []string) { r.queue.hide(secrets) }

// Record records an event. A Recorder is an event.Sink.
func (r *Recorder) Record(rec event.Record) { r.queue.event(rec) }

// Stats gives the counts so far.
func (r *Recorder) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

// Close writes the rest and closes the file. If the file accepts no data, Close gives up after two seconds. The error says what
// is wrong with the recording; notice was called with it already.
func (r *Recorder) Close() error {
	r.queue.close()
	select {
	case <-r.done:
	case <-time.After(closePatience):
		r.failed(errors.New("writing to it takes too long"))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		return nil
	}
	return fmt.Errorf("the recording %s is not complete: %w", r.name, r.err)
}

// CloseUsed is Close for a recording that Create made. If no octet was recorded, because the call never began, it removes the
// file, so that the name is free for the next try.
func (r *Recorder) CloseUsed() error {
	err := r.Close()
	if s := r.Stats(); s.Octets == 0 && s.LostOctets == 0 {
		return errors.Join(err, os.Remove(r.name))
	}
	return err
}

// writer is the state of the goroutine that writes.
type writer struct {
	*Recorder
	options Options
	encoder Encoder
	out     []byte
	size    int64 // octets of complete blocks in the file
	broken  bool  // the file ends in the middle of a block and cannot be cut: nothing more is written
	synced  time.Time
	dirty   bool
	// A hole that is not noted in the file yet.
	lostOctets, lostEvents uint64
}

// run writes until the queue is closed.
func (r *Recorder) run(o Options) {
	defer close(r.done)
	w := &writer{Recorder: r, options: o, encoder: NewEncoder(o)}
	w.write(w.encoder.AppendRecord(w.out[:0], event.Record{})) // the header, so that the file is valid from the start
	var spare batch
	timer := time.NewTimer(0)
	for closed := false; !closed; {
		if w.dirty {
			timer.Reset(time.Until(w.synced.Add(syncEvery)))
		} else {
			timer.Stop()
		}
		select {
		case <-r.queue.wake:
			r.queue.gather(gather)
		case <-timer.C:
		}
		var full batch
		full, closed = r.queue.take(spare)
		w.batch(&full)
		full.reset()
		spare = full
		w.sync(closed)
	}
	w.write(w.encoder.AppendEnd(w.out[:0], time.Now()))
	w.sync(true)
	if err := r.file.Close(); err != nil {
		w.failed(err)
	}
}

// pieceSize is how many octets are written at once. When a disk gets full, at most this many octets are lost that would have had
// room.
const pieceSize = 16 << 10

// batch writes the items of a batch.
func (w *writer) batch(b *batch) {
	octets, events := b.octets, b.events
	if len(b.hide) > 0 {
		if w.size == 0 { // the encoder may be a new one
			w.options.Hidden = append(slices.Clip(w.options.Hidden), b.hide...)
		}
		w.encoder.Hide(b.hide)
	}
	var pieceOctets, pieceEvents uint64
	out := w.out[:0]
	put := func() {
		if w.write(out) {
			w.count(pieceOctets, 0, 0)
		} else {
			w.lose(pieceOctets, pieceEvents)
		}
		out, pieceOctets, pieceEvents = w.out[:0], 0, 0
	}
	for _, i := range b.items {
		if w.lostOctets+w.lostEvents > 0 && len(out) == 0 && !w.broken {
			if w.write(w.encoder.AppendLost(out, time.Now(), w.lostOctets, w.lostEvents)) {
				w.lostOctets, w.lostEvents = 0, 0
			}
			out = w.out[:0]
		}
		if i.n < 0 {
			out = w.encoder.AppendRecord(out, events[0])
			events = events[1:]
			pieceEvents++
		} else {
			out = w.encoder.AppendBytes(out, time.Unix(0, i.at), i.dir, octets[:i.n])
			octets = octets[i.n:]
			pieceOctets += uint64(i.n)
		}
		if len(out) >= pieceSize {
			put()
		}
	}
	put()
	if b.lostOctets+b.lostEvents > 0 {
		w.lose(b.lostOctets, b.lostEvents)
		w.failed(errors.New("writing is slower than the line"))
	}
}

// write writes all of out, or nothing. It keeps out's memory for the next call.
func (w *writer) write(out []byte) bool {
	w.out = out[:0]
	if len(out) == 0 {
		return true
	}
	if w.broken {
		return false
	}
	n, err := w.file.Write(out)
	if err == nil {
		w.size += int64(n)
		w.dirty = true
		w.mu.Lock()
		w.stats.Written = w.size
		w.mu.Unlock()
		return true
	}
	w.failed(err)
	if n > 0 && w.file.Truncate(w.size) != nil {
		w.broken = true
	}
	if w.size == 0 {
		w.encoder = NewEncoder(w.options) // the header has to be written again
	}
	return false
}

// sync syncs what was written, if it is time.
func (w *writer) sync(now bool) {
	if !w.dirty || !now && time.Since(w.synced) < syncEvery {
		return
	}
	w.dirty = false
	if err := w.file.Sync(); err != nil {
		w.failed(err)
	}
	w.synced = time.Now()
}

func (w *writer) lose(octets, events uint64) {
	w.lostOctets += octets
	w.lostEvents += events
	w.count(0, octets, events)
}

func (r *Recorder) count(octets, lostOctets, lostEvents uint64) {
	r.mu.Lock()
	r.stats.Octets += octets
	r.stats.LostOctets += lostOctets
	r.stats.LostEvents += lostEvents
	r.mu.Unlock()
}

// failed keeps the first error, and calls notice with it once.
func (r *Recorder) failed(err error) {
	r.mu.Lock()
	first := !r.told
	r.told = true
	if r.err == nil {
		r.err = err
	}
	r.mu.Unlock()
	if first {
		r.notice(event.Notice{Level: "warning", Text: fmt.Sprintf("the recording %s is not complete, but the call goes on: %v", r.name, err)})
	}
}
