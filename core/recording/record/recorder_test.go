package record

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/knakppp/knak/core/event"
)

// disk is a file that fills up, or blocks.
type disk struct {
	mu      sync.Mutex
	b       []byte
	synced  int
	room    int // how many octets fit; -1: no end
	noCut   bool
	blocked chan struct{} // Write waits for it
}

func (d *disk) Write(p []byte) (int, error) {
	if d.blocked != nil {
		<-d.blocked
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(p)
	if d.room >= 0 {
		n = min(n, d.room-len(d.b))
	}
	d.b = append(d.b, p[:n]...)
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (d *disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.synced = len(d.b)
	return nil
}

func (d *disk) Truncate(size int64) error {
	if d.noCut {
		return syscall.EINVAL
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.b = d.b[:size]
	return nil
}

func (d *disk) Close() error { return nil }

// notices counts what a person is told.
type notices struct {
	mu   sync.Mutex
	text []string
}

func (n *notices) tell(e event.Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text = append(n.text, e.Text)
}

// Less than a second after something passed it is on the disk, and it was not synced for every packet.
func TestWithinASecondOnTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: -1}
		r := Start("x", d, Options{Format: PPPD, Secrets: true}, nil)
		for i := range 40 {
			r.Bytes(time.Now(), event.Sent, []byte{byte(i), 0xaa})
			time.Sleep(99 * time.Millisecond)
			if i >= 10 {
				d.mu.Lock()
				if !bytes.Contains(d.b[:d.synced], []byte{byte(i - 9), 0xaa}) {
					t.Errorf("what passed 0.9 s before %d is not on the disk", i)
				}
				d.mu.Unlock()
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if got := r.Stats(); got.Octets != 80 || got.Written != int64(len(d.b)) || d.synced != len(d.b) {
			t.Errorf("%+v, %d synced", got, d.synced)
		}
	})
}

// A full disk costs what does not fit: the file stays readable, the person is told once, and when there is room again
// the recording goes on, with a note of the hole.
func TestFullDisk(t *testing.T) {
	for _, format := range []Format{Pcapng, PPPD} {
		synctest.Test(t, func(t *testing.T) {
			d := &disk{room: 2000}
			var n notices
			r := Start("x", d, Options{Format: format}, n.tell)
			say := func(times int) {
				for range times {
					for _, s := range call() {
						r.Bytes(time.Now(), s.dir, s.b)
					}
					r.Record(event.Record{Time: time.Now(), Event: event.Notice{Level: "info", Text: "hello"}})
					time.Sleep(300 * time.Millisecond)
				}
			}
			say(10)
			d.mu.Lock()
			full := bytes.Clone(d.b)
			d.room = -1
			d.mu.Unlock()
			say(2)
			err := r.Close()
			if err == nil || !strings.Contains(err.Error(), "no space left") {
				t.Errorf("%v: Close says %v", format, err)
			}
			if len(n.text) != 1 || !strings.Contains(n.text[0], "no space left") {
				t.Errorf("%v: told %q", format, n.text)
			}
			if !bytes.HasPrefix(d.b, full) || len(d.b) == len(full) {
				t.Errorf("%v: %d octets, %d of them before there was room again", format, len(d.b), len(full))
			}
			if format == PPPD {
				unpackPPPD(t, d.b)
				return
			}
			checkBlocks(t, d.b)
			if bytes.Count(d.b, []byte("has a hole here")) == 0 {
				t.Error("the file does not tell of the hole")
			}
		})
	}
}

// A disk that is full from the start, or cannot be cut, gives no error but the one of Close.
func TestNothingCanBeWritten(t *testing.T) {
	for _, d := range []*disk{{room: 0}, {room: 100, noCut: true}} {
		synctest.Test(t, func(t *testing.T) {
			r := Start("x", d, Options{}, nil)
			for range 5 {
				r.Bytes(time.Now(), event.Sent, call()[8].b)
				time.Sleep(time.Second)
			}
			if err := r.Close(); err == nil {
				t.Error("Close says that all is well")
			}
			if got := len(d.b); got != d.room {
				t.Errorf("%d octets in the file", got)
			}
		})
	}
}

// A file that takes nothing, for ever, does not hold up the call, nor let memory grow, nor hold up its end for long.
func TestBlockedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: -1, blocked: make(chan struct{})}
		r := Start("x", d, Options{Format: PPPD, Secrets: true}, nil)
		time.Sleep(time.Second)
		before := time.Now()
		chunk := make([]byte, 32<<10)
		for range 1000 {
			r.Bytes(time.Now(), event.Rcvd, chunk)
			r.Record(event.Record{Time: time.Now(), Event: event.Notice{Level: "info"}})
		}
		for range queueEvents {
			r.Record(event.Record{Time: time.Now(), Event: event.Notice{Level: "info"}})
		}
		if time.Since(before) != 0 {
			t.Error("the call waited")
		}
		if n := cap(r.queue.fill.octets); n > 2*queueOctets {
			t.Errorf("%d octets are kept", n)
		}
		if r.Close() == nil {
			t.Error("Close says that all is well")
		}
		if waited := time.Since(before); waited > 3*time.Second {
			t.Errorf("Close took %v", waited)
		}
		close(d.blocked)
		<-r.done
		if got := r.Stats(); got.LostOctets == 0 || got.Octets == 0 || got.LostOctets+got.Octets != 1000*32<<10 || got.LostEvents == 0 {
			t.Errorf("%+v", got)
		}
	})
}

// The path of the call allocates nothing once the queue has grown.
func TestNoAllocationPerPacket(t *testing.T) {
	r := &Recorder{}
	r.queue.wake = make(chan struct{}, 1)
	p := make([]byte, 1500)
	var spare batch
	now := time.Now()
	some := func() {
		for range 100 {
			r.Bytes(now, event.Sent, p)
		}
		spare, _ = r.queue.take(spare)
		spare.reset()
	}
	some()
	some()
	if n := testing.AllocsPerRun(20, some); n != 0 {
		t.Errorf("%v allocations for a hundred packets", n)
	}
}

func TestCreate(t *testing.T) {
	name := filepath.Join(t.TempDir(), "call.pcapng")
	r, err := Create(name, Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(name)
	if err != nil || st.Mode().Perm() != 0o600 || st.Size() < 100 {
		t.Errorf("%v, %v", st, err)
	}
	if _, err := Create(name, Options{}, nil); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("the second: %v", err)
	}
}

// A data packet costs a recording no allocation, in either format.
func TestBytesAllocateNothing(t *testing.T) {
	line := frame(0x21, bytes.Repeat([]byte("\x45 data of somebody; "), 75))
	for _, format := range []Format{Pcapng, PPPD} {
		e := NewEncoder(Options{Format: format})
		var out []byte
		for range 4 { // until the buffers are as large as they get
			out = e.AppendBytes(out[:0], start, event.Rcvd, line)
		}
		if n := testing.AllocsPerRun(50, func() { out = e.AppendBytes(out[:0], start, event.Rcvd, line) }); n != 0 {
			t.Errorf("%s: %v allocations for a packet", format, n)
		}
	}
}

func BenchmarkBytes(b *testing.B) {
	for _, format := range []Format{Pcapng, PPPD} {
		b.Run(format.String(), func(b *testing.B) {
			e := NewEncoder(Options{Format: format})
			line := frame(0x21, bytes.Repeat([]byte("\x45 data of somebody; "), 75))
			var out []byte
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				out = e.AppendBytes(out[:0], start, event.Rcvd, line)
			}
		})
	}
}

// BenchmarkRecorded is what a recording costs the call's own path: a packet of 1500 octets, from the clock to the queue.
func BenchmarkRecorded(b *testing.B) {
	r := &Recorder{}
	r.queue.wake = make(chan struct{}, 1)
	line := frame(0x21, bytes.Repeat([]byte("\x45 data of somebody; "), 75))
	var spare batch
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.Bytes(time.Now(), event.Rcvd, line)
		if i%100 == 99 {
			spare, _ = r.queue.take(spare)
			spare.reset()
		}
	}
}
