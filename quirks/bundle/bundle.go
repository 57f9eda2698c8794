package bundle

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/knakppp/knak/quirks"
)

// Limits on a bundle.
const (
	MaxBundle = 4 << 20 // octets of the tar file
	maxFile   = 1 << 20 // octets of one file in it; package quirks has the same limit
	maxFiles  = 4096
)

const (
	manifestName   = "manifest.toml"
	manifestSchema = 1
	clockTolerance = 24 * time.Hour
)

// validName is the form of file names in a bundle: devices.toml and quirks/<vendor>/<model>.toml, as in the source tree. No
// character has a special meaning in paths.
var validName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(devices\.toml|quirks/[a-z0-9][a-z0-9._-]{0,63}/[a-z0-9][a-z0-9._-]{0,63}\.toml)$`)
})

// Manifest describes a bundle. It is the file manifest.toml in it.
type Manifest struct {
	Schema    int               `toml:"schema"` // 1
	Serial    int64             `toml:"serial"` // from 1; each bundle has a higher one than the last
	Created   time.Time         `toml:"created"`
	Expires   time.Time         `toml:"expires"`    // the time from which on it must not be installed
	MinEngine int               `toml:"min_engine"` // the oldest and the newest quirks.Schema that the files are for, both included
	MaxEngine int               `toml:"max_engine"`
	Files     map[string]string `toml:"files"` // SHA-256 of each other file, in lower-case hex
}

// Bundle is a bundle whose files agree with its manifest. Check says whether it may be installed.
type Bundle struct {
	Manifest Manifest
	manifest []byte // as it is in the bundle
	files    map[string][]byte
}

// Files gives the names of the files, sorted, without the manifest.
func (b *Bundle) Files() []string { return slices.Sorted(maps.Keys(b.files)) }

// Parse reads a bundle. The signature of the data was verified, but Parse still expects any content.
func Parse(data []byte) (*Bundle, error) {
	if len(data) > MaxBundle {
		return nil, fmt.Errorf("bundle: %d octets long, but at most %d are read", len(data), MaxBundle)
	}
	b := &Bundle{files: map[string][]byte{}}
	var manifest []byte
	r := tar.NewReader(bytes.NewReader(data))
	for n := 0; ; n++ {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("bundle: not a tar file: %w", err)
		case n > maxFiles:
			return nil, fmt.Errorf("bundle: more than %d files", maxFiles)
		case h.Typeflag != tar.TypeReg || len(h.PAXRecords) > 0:
			return nil, fmt.Errorf("bundle: %.100q is not a plain file", h.Name)
		case h.Name != manifestName && !validName().MatchString(h.Name):
			return nil, fmt.Errorf("bundle: %.100q is neither devices.toml nor quirks/<vendor>/<model>.toml", h.Name)
		case h.Size < 0 || h.Size > maxFile:
			return nil, fmt.Errorf("bundle: %s: %d octets long, but at most %d are read", h.Name, h.Size, maxFile)
		case b.files[h.Name] != nil || h.Name == manifestName && manifest != nil:
			return nil, fmt.Errorf("bundle: %s comes twice", h.Name)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return nil, fmt.Errorf("bundle: %s: %w", h.Name, err)
		}
		if h.Name == manifestName {
			manifest = text
			continue
		}
		b.files[h.Name] = text
	}
	if manifest == nil {
		return nil, errors.New("bundle: it has no manifest.toml")
	}
	m, err := parseManifest(manifest)
	if err != nil {
		return nil, err
	}
	b.Manifest, b.manifest = m, manifest
	for name, text := range b.files {
		want, ok := m.Files[name]
		if !ok {
			return nil, fmt.Errorf("bundle: %s is not in the manifest", name)
		}
		if hash(text) != want {
			return nil, fmt.Errorf("bundle: %s has another SHA-256 than the manifest says", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		if b.files[name] == nil {
			return nil, fmt.Errorf("bundle: %.100q is in the manifest only", name)
		}
	}
	return b, nil
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func parseManifest(text []byte) (Manifest, error) {
	var m Manifest
	d := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		var strict *toml.StrictMissingError
		if errors.As(err, &strict) {
			return m, fmt.Errorf("manifest: unknown key %q", strict.Errors[0].Key())
		}
		return m, fmt.Errorf("manifest: %s", printable(err.Error()))
	}
	switch {
	case m.Schema != manifestSchema:
		return m, fmt.Errorf("manifest: schema %d is not known; this program reads %d", m.Schema, manifestSchema)
	case m.Serial < 1:
		return m, errors.New("manifest: serial must be 1 or more")
	case m.Created.IsZero() || !m.Expires.After(m.Created):
		return m, errors.New("manifest: created and expires must be there, and in this order")
	case m.MinEngine < 1 || m.MaxEngine < m.MinEngine:
		return m, errors.New("manifest: min_engine and max_engine must be there, and in this order")
	}
	return m, nil
}

// Check says whether a bundle may be installed now, over the one with serial installed; 0: none is installed.
func (m *Manifest) Check(now time.Time, installed int64) error {
	date := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch {
	case m.MinEngine > quirks.Schema || m.MaxEngine < quirks.Schema:
		return fmt.Errorf("bundle: it is for schema %d to %d of the database, and this program has %d", m.MinEngine, m.MaxEngine, quirks.Schema)
	case m.Serial <= installed:
		return fmt.Errorf("bundle: serial %d is not above %d, which is installed", m.Serial, installed)
	case !now.Before(m.Expires):
		return fmt.Errorf("bundle: it has expired at %s", date(m.Expires))
	case now.Before(m.Created.Add(-clockTolerance)):
		return fmt.Errorf("bundle: it was made at %s, but the clock says %s: one of them is wrong", date(m.Created), date(now))
	}
	return nil
}

// Make packs files, with names as in the source tree, into a bundle. It fills in the manifest's Schema and Files, and the schemas
// that it is for if they are zero. The same files and manifest give the same octets.
func Make(m Manifest, files map[string][]byte) ([]byte, error) {
	m.Schema, m.Files = manifestSchema, map[string]string{}
	if m.MinEngine == 0 && m.MaxEngine == 0 {
		m.MinEngine, m.MaxEngine = quirks.Schema, quirks.Schema
	}
	m.Created, m.Expires = m.Created.UTC().Truncate(time.Second), m.Expires.UTC().Truncate(time.Second)
	for name, text := range files {
		m.Files[name] = hash(text)
	}
	manifest, err := toml.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	put := func(name string, text []byte) {
		if err == nil {
			err = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(text)), Mode: 0o644, ModTime: m.Created, Format: tar.FormatUSTAR})
		}
		if err == nil {
			_, err = w.Write(text)
		}
	}
	put(manifestName, manifest)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		put(name, files[name])
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	if _, err := Parse(out.Bytes()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
