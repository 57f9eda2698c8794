package survey

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
)

const refused = "sent [LCP ConfReq id=0x1 <magic 0x1>]\nrcvd [LCP ConfAck id=0x1 <magic 0x1>]\nrcvd [LCP ConfReq id=0x1 <magic 0x2> <auth pap>]\nsent [LCP ConfAck id=0x1 <magic 0x2> <auth pap>]\n" +
	"sent [PAP AuthReq id=0x1 user=\"x\" password=<hidden>]\nrcvd [PAP AuthNak id=0x1 \"no\"]\nPAP authentication failed\nConnection terminated.\n"

func survey(t testing.TB, names []string, stdin io.Reader, o Options) (all []Result, g Groups) {
	t.Helper()
	err := Run(context.Background(), names, stdin, o, func(r Result) error {
		all = append(all, r)
		g.Add(r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, g
}

// Results come in the order of the input, and everything that is named is judged, whatever fails beside it.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := range 40 {
		name := filepath.Join(dir, fmt.Sprintf("%02d.log", i))
		text := refused
		switch i % 4 {
		case 1:
			text = "no call\n"
		case 2:
			text = strings.Repeat("filler\n", i*100) + refused
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		want = append(want, name)
	}
	f, err := os.Create(filepath.Join(dir, "zz.zip"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, _ := z.Create("in.log")
	_, _ = io.WriteString(w, refused)
	_ = z.Close()
	_ = f.Close()
	want = append(want, f.Name()+":in.log", filepath.Join(dir, "nosuch"), "standard input")
	all, g := survey(t, []string{dir, filepath.Join(dir, "nosuch"), "-"}, strings.NewReader(refused), Options{})
	var got []string
	for _, r := range all {
		got = append(got, r.Name)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("%q\nwant %q", got, want)
	}
	if len(g.Causes) != 1 || g.Causes[0].ID != "auth-rejected" || g.Causes[0].Count != 32 || g.Nothing != 10 || g.Failed != 1 {
		t.Errorf("%+v", g)
	}
	if !errors.Is(all[41].Err, os.ErrNotExist) {
		t.Error(all[41].Err)
	}
}

// endless is a line that has no end.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.read += int64(len(p))
	return len(p), nil
}

// What has no end is read to a limit, in memory that does not grow, and that is said.
func TestEndless(t *testing.T) {
	o := Options{}
	o.Limits.Part = 64 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	all, _ := survey(t, []string{"-"}, &endless{}, o)
	runtime.ReadMemStats(&after)
	if len(all) != 1 || all[0].Err == nil || !strings.Contains(all[0].Err.Error(), "only its first part") {
		t.Errorf("%+v", all)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("%d octets of memory", grown)
	}
}

// Who has seen enough ends the survey, and nothing is left running.
func TestStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		enough := errors.New("enough")
		names := make([]string, 1000)
		for i := range names {
			names[i] = "-"
		}
		err := Run(context.Background(), names, strings.NewReader(refused), Options{Workers: 2}, func(Result) error { return enough })
		if !errors.Is(err, enough) {
			t.Error(err)
		}
	})
}
