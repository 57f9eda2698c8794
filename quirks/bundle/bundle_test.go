package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/quirks"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func manifest(serial int64) Manifest {
	return Manifest{Serial: serial, Created: now.Add(-time.Hour), Expires: now.Add(time.Hour)}
}

const profile = "schema = 1\n[lcp.echo_interval]\nvalue = \"7s\"\n"

func pack(t testing.TB, m Manifest, files map[string]string) []byte {
	t.Helper()
	in := map[string][]byte{}
	for name, text := range files {
		in[name] = []byte(text)
	}
	b, err := Make(m, in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// entry is a file of a tar that is not as Make makes it.
type entry struct {
	name string
	text string
	typ  byte
}

func archive(t testing.TB, list ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range list {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Size: int64(len(e.text)), Mode: 0o644}
		if e.typ != 0 {
			h.Typeflag, h.Linkname = e.typ, "/etc/passwd"
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if e.typ == 0 {
			if _, err := w.Write([]byte(e.text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func manifestText(files ...string) string {
	text := "schema = 1\nserial = 1\ncreated = 2026-11-22T11:00:00Z\nexpires = 2026-11-23T11:00:00Z\nmin_engine = 1\nmax_engine = 1\n[files]\n"
	for i := 0; i < len(files); i += 2 {
		text += `"` + files[i] + `" = "` + hash([]byte(files[i+1])) + "\"\n"
	}
	return text
}

func TestParse(t *testing.T) {
	b, err := Parse(pack(t, manifest(3), map[string]string{"quirks/acme/x.toml": profile, "devices.toml": "schema = 1\n"}))
	if err != nil || b.Manifest.Serial != 3 || !slices.Equal(b.Files(), []string{"devices.toml", "quirks/acme/x.toml"}) {
		t.Fatalf("%+v, %v", b, err)
	}
	ok := entry{name: "manifest.toml", text: manifestText("devices.toml", "d")}
	good := archive(t, ok, entry{name: "devices.toml", text: "d"})
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "no manifest"},
		{"not a tar", bytes.Repeat([]byte("x"), 2000), "not a tar"},
		{"cut", good[:700], "unexpected EOF"},
		{"cut within a file", good[:520], "unexpected EOF"},
		{"no manifest", archive(t, entry{name: "devices.toml", text: "d"}), "no manifest"},
		{"not in the manifest", archive(t, ok, entry{name: "devices.toml", text: "d"}, entry{name: "quirks/a/b.toml", text: "x"}), "not in the manifest"},
		{"in the manifest only", archive(t, ok), "in the manifest only"},
		{"another hash", archive(t, ok, entry{name: "devices.toml", text: "D"}), "another SHA-256"},
		{"twice", archive(t, ok, entry{name: "devices.toml", text: "d"}, entry{name: "devices.toml", text: "d"}), "comes twice"},
		{"two manifests", archive(t, ok, ok, entry{name: "devices.toml", text: "d"}), "comes twice"},
		{"upwards", archive(t, ok, entry{name: "../devices.toml", text: "d"}), "neither"},
		{"upwards within", archive(t, ok, entry{name: "quirks/../../x.toml", text: "d"}), "neither"},
		{"absolute", archive(t, ok, entry{name: "/etc/knak/devices.d/x.toml", text: "d"}), "neither"},
		{"dot", archive(t, ok, entry{name: "./devices.toml", text: "d"}), "neither"},
		{"hidden", archive(t, ok, entry{name: "quirks/.a/b.toml", text: "d"}), "neither"},
		{"a scenario runs nothing, but has no place here", archive(t, ok, entry{name: "quirks/a/b.sh", text: "d"}), "neither"},
		{"a line end in the name", archive(t, ok, entry{name: "devices.toml\n", text: "d"}), "neither"},
		{"a symbolic link", archive(t, ok, entry{name: "devices.toml", typ: tar.TypeSymlink}), "not a plain file"},
		{"a hard link", archive(t, ok, entry{name: "devices.toml", typ: tar.TypeLink}), "not a plain file"},
		{"a device", archive(t, ok, entry{name: "devices.toml", typ: tar.TypeChar}), "not a plain file"},
		{"a directory", archive(t, ok, entry{name: "quirks/", typ: tar.TypeDir}), "not a plain file"},
		{"a long name by PAX", archive(t, ok, entry{name: "quirks/" + strings.Repeat("é", 120) + ".toml", text: "d"}), "not a plain file"},
		{"a large file", archive(t, ok, entry{name: "devices.toml", text: strings.Repeat("#", maxFile+1)}), "at most"},
		{"a large bundle", make([]byte, MaxBundle+1), "at most"},
		{"unknown key", archive(t, entry{name: "manifest.toml", text: "x = 1\n" + manifestText()}), "unknown key"},
		{"wrong type", archive(t, entry{name: "manifest.toml", text: "serial = \"1\"\n"}), "manifest:"},
		{"no serial", archive(t, entry{name: "manifest.toml", text: strings.Replace(manifestText(), "serial = 1", "serial = 0", 1)}), "serial"},
		{"another schema", archive(t, entry{name: "manifest.toml", text: strings.Replace(manifestText(), "schema = 1", "schema = 2", 1)}), "schema 2"},
		{"expires before it is made", archive(t, entry{name: "manifest.toml", text: strings.Replace(manifestText(), "expires = 2026", "expires = 2025", 1)}), "in this order"},
		{"no engine", archive(t, entry{name: "manifest.toml", text: strings.Replace(manifestText(), "min_engine = 1", "", 1)}), "min_engine"},
	} {
		if _, err := Parse(tt.data); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name      string
		change    func(*Manifest)
		installed int64
		want      string
	}{
		{"new", func(*Manifest) {}, 0, ""},
		{"higher", func(*Manifest) {}, 6, ""},
		{"the same", func(*Manifest) {}, 7, "serial 7 is not above 7"},
		{"rollback", func(*Manifest) {}, 8, "not above 8"},
		{"expired", func(m *Manifest) { m.Expires = now }, 0, "expired"},
		{"the clock is a bit slow", func(m *Manifest) { m.Created = now.Add(23 * time.Hour) }, 0, ""},
		{"the clock is wrong", func(m *Manifest) { m.Created = now.Add(25 * time.Hour) }, 0, "clock"},
		{"for a later engine", func(m *Manifest) { m.MinEngine, m.MaxEngine = quirks.Schema+1, quirks.Schema+2 }, 0, "for schema"},
		{"for an earlier engine", func(m *Manifest) { m.MinEngine, m.MaxEngine = quirks.Schema-1, quirks.Schema-1 }, 0, "for schema"},
	} {
		m := manifest(7)
		m.MinEngine, m.MaxEngine = quirks.Schema, quirks.Schema
		tt.change(&m)
		err := m.Check(now, tt.installed)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func parsed(t *testing.T, serial int64, files map[string]string) *Bundle {
	t.Helper()
	b, err := Parse(pack(t, manifest(serial), files))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// An update counts from the moment of its installation, the last one stays until then and beside it, and a crash in
// between leaves nothing that counts.
func TestInstall(t *testing.T) {
	s := Store{t.TempDir()}
	if _, ok, err := s.Installed(); ok || err != nil {
		t.Fatalf("an empty store: %v, %v", ok, err)
	}
	interval := func() string {
		db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files, Update: s.Current()})
		for _, p := range problems {
			t.Error(p)
		}
		r, err := db.Resolve(quirks.Facts{}, "huawei/e398", nil)
		if err != nil {
			t.Fatal(err)
		}
		return r.Setting("lcp.echo_interval").Value.String() + " " + r.Setting("lcp.echo_interval").Layer.String()
	}
	before := interval()
	install := func(serial int64, value string) {
		t.Helper()
		release, err := s.Lock()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Lock(); err == nil {
			t.Error("two at the same time")
		}
		defer release()
		if err := s.Install(parsed(t, serial, map[string]string{"quirks/huawei/e398.toml": strings.Replace(profile, "7s", value, 1)})); err != nil {
			t.Fatal(err)
		}
		if m, ok, err := s.Installed(); !ok || err != nil || m.Serial != serial {
			t.Fatalf("installed: %+v, %v, %v", m, ok, err)
		}
	}
	install(5, "11s")
	if got := interval(); got != "11s update" || before == got {
		t.Errorf("after the first: %s", got)
	}
	// A crash: half a bundle, the link not exchanged.
	for _, name := range []string{"updates/.new-1/quirks", "updates/9/quirks"} {
		if err := os.MkdirAll(filepath.Join(s.Dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(s.Dir, "updates/.current")); err != nil {
		t.Fatal(err)
	}
	if got := interval(); got != "11s update" {
		t.Errorf("after a crash: %s", got)
	}
	install(9, "12s")
	install(10, "13s")
	if got := interval(); got != "13s update" {
		t.Errorf("after the last: %s", got)
	}
	var names []string
	list, err := os.ReadDir(filepath.Join(s.Dir, "updates"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != ".lock 10 9 current" {
		t.Errorf("left: %s", got)
	}
	for name, mode := range map[string]os.FileMode{"updates/10": 0o755, "updates/10/quirks/huawei": 0o755, "updates/10/quirks/huawei/e398.toml": 0o644} {
		if st, err := os.Stat(filepath.Join(s.Dir, name)); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, st.Mode(), err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.Current(), "manifest.toml"), []byte("broken"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Installed(); err == nil {
		t.Error("a broken manifest tells no serial")
	}
}

// A store in which somebody else could exchange what was verified is refused; one that is made is readable by all.
func TestStoreDirectories(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	dir := filepath.Join(t.TempDir(), "a")
	release, err := Store{dir}.Lock()
	if err != nil {
		t.Fatal(err)
	}
	release()
	if st, err := os.Stat(filepath.Join(dir, "updates")); err != nil || st.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	if err := os.Remove(filepath.Join(dir, "updates", ".lock")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "updates")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "updates")); err != nil {
		t.Fatal(err)
	}
	if _, err := (Store{dir}).Lock(); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("a symbolic link: %v", err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if _, err := (Store{dir}).Lock(); err == nil || !strings.Contains(err.Error(), "others may write") {
			t.Errorf("others may write: %v", err)
		}
	}
}

func TestFetch(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("0123456789")) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.Host+"/ok", http.StatusFound)
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	hang := make(chan struct{})
	mux.HandleFunc("/slow", func(http.ResponseWriter, *http.Request) { <-hang })
	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // one of the cases does not believe it
	server.StartTLS()
	defer server.Close()
	defer close(hang) // before Close, which waits for it
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	host := strings.TrimPrefix(server.URL, "https://")
	for _, tt := range []struct{ url, want string }{
		{server.URL + "/ok", ""},
		{server.URL + "/moved", ""},
		{"http://" + host + "/ok", "https only"},
		{server.URL + "/away", "https only"},
		{server.URL + "/round", "redirects"},
		{server.URL + "/none", "404"},
		{"https://user:hidden@" + host + "/ok", "refused"},
		{"file:///etc/passwd", "https only"},
		{"https:///ok", "no host"},
		{server.URL + "/slow", "deadline"},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		if strings.HasSuffix(tt.url, "slow") {
			cancel()
			ctx, cancel = context.WithTimeout(context.Background(), 500*time.Millisecond)
		}
		b, err := Fetch(ctx, Client(roots), tt.url, 10)
		cancel()
		if tt.want == "" && (err != nil || string(b) != "0123456789") || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %q, %v; want %q", tt.url, b, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("the password is shown: %v", err)
		}
	}
	if _, err := Fetch(context.Background(), Client(roots), server.URL+"/ok", 9); err == nil || !strings.Contains(err.Error(), "longer than 9") {
		t.Errorf("too long: %v", err)
	}
	if _, err := Fetch(context.Background(), Client(x509.NewCertPool()), server.URL+"/ok", 10); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("another authority: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(pack(f, manifest(3), map[string]string{"quirks/acme/x.toml": profile}))
	f.Add(archive(f, entry{name: "manifest.toml", text: manifestText("devices.toml", "d")}, entry{name: "devices.toml", text: "d"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Parse(data)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\x1b\r") {
				t.Fatalf("%q", err)
			}
			return
		}
		for _, name := range b.Files() {
			if !filepath.IsLocal(name) || !validName().MatchString(name) || hash(b.files[name]) != b.Manifest.Files[name] {
				t.Fatalf("%q", name)
			}
		}
		_ = b.Manifest.Check(now, 0)
	})
}
