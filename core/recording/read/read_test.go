package read

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/golden"
)

var fileTime = time.Date(2019, 1, 2, 12, 0, 0, 0, time.UTC)

func open(t testing.TB, b []byte, o Options) *Reader {
	t.Helper()
	r, err := Open(bytes.NewReader(b), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func collect(t testing.TB, r *Reader) []event.Record {
	t.Helper()
	var all []event.Record
	for rec, err := range All(r) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rec)
	}
	return all
}

func jsonLines(t testing.TB, records []event.Record) []byte {
	t.Helper()
	var b []byte
	for _, r := range records {
		var err error
		if b, err = r.AppendJSON(b); err != nil {
			t.Fatal(err)
		}
		b = append(b, '\n')
	}
	return b
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The logs in testdata are written by hand, in the form of each program's. What became of every line is in the golden files.
func TestLogs(t *testing.T) {
	logs, _ := filepath.Glob("testdata/*.log")
	if len(logs) < 3 {
		t.Fatal("no logs")
	}
	for _, name := range logs {
		b := read(t, filepath.Base(name))
		r := open(t, b, Options{Name: name, Date: fileTime})
		got := jsonLines(t, collect(t, r))
		s := r.Summary()
		got = fmt.Appendf(got, "%s: %d bytes, %d lines, %d records, %d packets, not understood: %d lines, %d bytes\n", s.Format, s.Bytes, s.Lines, s.Records, s.Packets, s.UnreadLines, s.UnreadBytes)
		golden.Same(t, strings.TrimSuffix(name, ".log")+".golden", got, "")
		if s.Bytes != int64(len(b)) {
			t.Errorf("%s: %d bytes of %d", name, s.Bytes, len(b))
		}
		for _, secret := range []string{"4711", "hunter2", "001010123456789", "ffeeddcc"} {
			if bytes.Contains(got, []byte(secret)) {
				t.Errorf("%s: %s is shown", name, secret)
			}
		}
	}
}

// However the input comes in, and however it is packed, the records are the same.
func TestHoweverItComes(t *testing.T) {
	b := read(t, "syslog.log")
	want := jsonLines(t, collect(t, open(t, b, Options{Date: fileTime})))
	var gz, zs bytes.Buffer
	w := gzip.NewWriter(&gz)
	_, _ = w.Write(b)
	_ = w.Close()
	z, _ := zstd.NewWriter(&zs)
	_, _ = z.Write(b)
	_ = z.Close()
	for name, in := range map[string]io.Reader{
		"one octet at a time": iotest.OneByteReader(bytes.NewReader(b)), "end with the data": iotest.DataErrReader(bytes.NewReader(b)),
		"gzip": bytes.NewReader(gz.Bytes()), "zstd": bytes.NewReader(zs.Bytes()), "DOS": bytes.NewReader(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))),
	} {
		r, err := Open(in, Options{Date: fileTime})
		if err != nil {
			t.Fatal(name, err)
		}
		if got := jsonLines(t, collect(t, r)); !bytes.Equal(got, want) {
			t.Errorf("%s: other records", name)
		}
		if c := r.Summary().Compression; (name == "gzip" || name == "zstd") && c != name {
			t.Errorf("%s: %q", name, c)
		}
	}
}

// A packed file that was cut off, or damaged, is read up to there, and says so; an input that fails is an error.
func TestDamagedPacking(t *testing.T) {
	b := bytes.Repeat(read(t, "syslog.log"), 50)
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	_, _ = w.Write(b)
	_ = w.Close()
	broken := bytes.Clone(gz.Bytes())
	broken[len(broken)-5] ^= 0xff // the checksum
	for name, in := range map[string][]byte{"cut": gz.Bytes()[:gz.Len()/2], "damaged": broken} {
		r, err := Open(bytes.NewReader(in), Options{Date: fileTime})
		if err != nil {
			t.Fatal(name, err)
		}
		all := collect(t, r)
		n, _ := all[len(all)-1].Event.(event.Notice)
		if !strings.Contains(n.Text, "cut off or damaged") || len(all) < 10 || !r.Summary().Damaged {
			t.Errorf("%s: %d records, at the end %q, %+v", name, len(all), n.Text, r.Summary())
		}
	}
	r, err := Open(io.MultiReader(bytes.NewReader(gz.Bytes()[:gz.Len()/2]), iotest.ErrReader(io.ErrClosedPipe)), Options{Date: fileTime})
	for err == nil {
		_, err = r.Next()
	}
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

func TestOpenErrors(t *testing.T) {
	var unknown *UnknownFormatError
	if _, err := Open(strings.NewReader("x"), Options{Format: "nonsense"}); !errors.As(err, &unknown) || unknown.Format != "nonsense" {
		t.Error(err)
	}
	if _, err := Open(strings.NewReader("\x00\x01\x02\x03garbage\x00\x00"), Options{Name: "f"}); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "f is not a recording") {
		t.Error(err)
	}
	if _, err := Open(strings.NewReader("PK\x03\x04abc"), Options{Name: "f.zip"}); !errors.Is(err, ErrArchive) {
		t.Error(err)
	}
	if _, err := Open(strings.NewReader("\xfd7zXZ\x00abc"), Options{Name: "f.xz"}); !errors.Is(err, ErrPacked) {
		t.Error(err)
	}
	broken := errors.New("broken")
	r, err := Open(io.MultiReader(strings.NewReader(strings.Repeat("Modem hangup\n", 20000)), iotest.ErrReader(broken)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err = r.Next(); err != nil {
			break
		}
	}
	if !errors.Is(err, broken) {
		t.Errorf("%v, want the reader's own error", err)
	}
	if all := collect(t, open(t, nil, Options{})); len(all) != 0 {
		t.Error("an empty file has no records")
	}
}
