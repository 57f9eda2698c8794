package unwrap

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"
)

type file struct{ name, data string }

func zipOf(files ...file) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, _ := z.Create(f.name)
		_, _ = w.Write([]byte(f.data))
	}
	_ = z.Close()
	return b.String()
}

func tarOf(files ...file) string {
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	for _, f := range files {
		_ = t.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.data)), Mode: 0o644, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR})
		_, _ = t.Write([]byte(f.data))
	}
	_ = t.Close()
	return b.String()
}

func gz(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

// found gives what Walk finds, one a line.
func found(t testing.TB, in string, l Limits) string {
	t.Helper()
	var out strings.Builder
	err := Walk(Input{Name: "x", Reader: strings.NewReader(in), At: strings.NewReader(in), Size: int64(len(in))}, l, func(p Part, err error) error {
		if err != nil {
			fmt.Fprintf(&out, "%s! %v\n", p.Name, err)
			return nil
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s=%q\n", p.Name, b)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const head = "From: a@example.org\nSubject: it does not work\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n"

func TestWalk(t *testing.T) {
	log := strings.Repeat("sent [LCP ConfReq id=0x1]\n", 3)
	multipart := head + "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\na =3D b=\nc\n--b\n" +
		"Content-Type: image/png\n\nxx\n--b\nContent-Type: application/gzip; name=l.gz\nContent-Disposition: attachment; filename=l.gz\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte(gz("log"))) + "\n--b--\n"
	for name, tt := range map[string]struct{ in, want string }{
		"a log is one recording":        {log, fmt.Sprintf("x=%q\n", log)},
		"an empty file is one":          {"", "x=\"\"\n"},
		"zip":                           {zipOf(file{"d/a.log", "A"}, file{"b.log", "B"}, file{"__MACOSX/._b.log", "no"}), "x:d/a.log=\"A\"\nx:b.log=\"B\"\n"},
		"a bundle of knak's":            {zipOf(file{"events.jsonl", "E"}, file{"facts.json", "F"}, file{"report.html", "R"}), "x=\"E\"\n"},
		"tgz":                           {gz(tarOf(file{"./a.log", "A"}, file{"b.log.gz", gz("B")})), "x:a.log=\"A\"\nx:b.log.gz=\"B\"\n"},
		"a zip in a tar":                {tarOf(file{"z.zip", zipOf(file{"a.log", "A"})}), "x:z.zip:a.log=\"A\"\n"},
		"RFC 5322: a mail":              {head + "\nthe log\n", "x=\"the log\\n\"\n"},
		"RFC 2045: parts and encodings": {multipart, "x=\"a = bc\"\nx:l.gz=\"log\"\n"},
		"RFC 4155: a box": {"From a Mon Jan  1 10:00:00 2024\n" + head + "\nfirst\n>From here\n\nFrom b Mon Jan  1 10:00:00 2024\n" + head + "\nsecond\n",
			"x:mail 1=\"first\\nFrom here\\n\\n\"\nx:mail 2=\"second\\n\"\n"},
		"a damaged archive": {zipOf(file{"a", "b"})[:40], "x! the archive is damaged: zip: not a valid zip file\n"},
		"a stream cut off":  {gz(strings.Repeat("0123456789abcdef", 2000))[:60], ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := found(t, tt.in, Limits{})
			if tt.want == "" {
				if !strings.HasPrefix(got, "x=\"") {
					t.Errorf("%.100s", got)
				}
				return
			}
			if got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

// Nothing that is packed in a bad way takes memory or time without end.
func TestBombs(t *testing.T) {
	deep := "log"
	for range 40 {
		deep = zipOf(file{"x.zip", deep})
	}
	if got := found(t, deep, Limits{}); !strings.Contains(got, "packed more than 4 times") {
		t.Errorf("%.200s", got)
	}
	zeros := gz(string(make([]byte, 3<<20)))
	got := found(t, zeros, Limits{Part: 1000})
	if len(got) > 5000 {
		t.Errorf("%d octets of a part of at most 1000", len(got))
	}
	var many []file
	for i := range 50 {
		many = append(many, file{fmt.Sprint(i), "x"})
	}
	if got := found(t, zipOf(many...), Limits{Parts: 10}); strings.Count(got, "\n") != 11 || !strings.Contains(got, "more than 10 files") {
		t.Error(got)
	}
	if got := found(t, zipOf(many...), Limits{Total: 10}); !strings.Contains(got, "left out") {
		t.Error(got)
	}
	nested := head + "Content-Type: multipart/mixed; boundary=b0\n\n"
	for i := range 100 {
		nested += fmt.Sprintf("--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n", i, i+1)
	}
	if got := found(t, nested, Limits{}); !strings.Contains(got, "too many parts") {
		t.Error(got)
	}
}

func FuzzWalk(f *testing.F) {
	f.Add([]byte(zipOf(file{"a", "b"})))
	f.Add([]byte(gz(tarOf(file{"a", "b"}))))
	f.Add([]byte(head + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n"))
	f.Add([]byte("From a Mon Jan  1 10:00:00 2024\n" + head + "\nx\n\nFrom b Mon Jan  1 10:00:00 2024\n" + head + "\ny"))
	f.Fuzz(func(t *testing.T, b []byte) {
		found(t, string(b), Limits{Part: 1 << 16, Total: 1 << 20, Nested: 1 << 16, Parts: 100})
	})
}
