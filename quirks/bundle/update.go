package bundle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/knakppp/knak/core/foreign"
	"github.com/knakppp/knak/quirks"
)

// SignatureSuffix is what minisign -S adds to a file's name.
const SignatureSuffix = ".minisig"

// maxKeyFile is the greatest size of a key or signature file.
const maxKeyFile = 4096

// ReadFile reads a regular file that a person named, of at most limit octets.
func ReadFile(name string, limit int64) ([]byte, error) {
	return foreign.Read(name, foreign.Rules{Limit: limit, Links: true})
}

// ReadKey reads a minisign public key.
func ReadKey(name string) (Key, error) {
	text, err := ReadFile(name, maxKeyFile)
	if err != nil {
		return Key{}, err
	}
	k, err := ParseKey(text)
	if err != nil {
		return Key{}, fmt.Errorf("%s: %w", name, err)
	}
	return k, nil
}

// fetch reads a bundle and its signature, of a file or an https URL.
func fetch(ctx context.Context, from string) (data, signature []byte, err error) {
	read := ReadFile
	if strings.Contains(from, "://") {
		client := Client(nil)
		read = func(address string, limit int64) ([]byte, error) { return Fetch(ctx, client, address, limit) }
	}
	if signature, err = read(from+SignatureSuffix, maxKeyFile); err != nil {
		return nil, nil, fmt.Errorf("the signature: %w", err)
	}
	data, err = read(from, MaxBundle)
	return data, signature, err
}

// Update is the result of the function Update.
type Update struct {
	Serial    int64           `json:"serial"`
	Before    int64           `json:"before"` // the serial that was installed before; 0: none
	Created   time.Time       `json:"created"`
	Expires   time.Time       `json:"expires"`
	Key       string          `json:"key"`
	Comment   string          `json:"comment"`
	Installed bool            `json:"installed"`
	Changes   []quirks.Change `json:"changes"`
}

// Update fetches a bundle from a file or an https URL, with the signature beside it, and installs it. If anything is wrong, it
// installs nothing. sources are the layers of this machine: Changes in the result says which modems get other settings. With
// dryRun it installs nothing.
func (s Store) Update(ctx context.Context, from string, keys []Key, sources quirks.Sources, dryRun bool) (Update, error) {
	if len(keys) == 0 { // say it before anything is fetched
		return Update{}, errors.New("this build trusts no key: give the signer's public key with --key FILE (see SECURITY.md)")
	}
	data, text, err := fetch(ctx, from)
	if err != nil {
		return Update{}, err
	}
	signature, err := ParseSignature(text)
	if err != nil {
		return Update{}, err
	}
	// Nothing of the bundle is looked at before its signature was found right.
	comment, err := signature.Verify(keys, data)
	if err != nil {
		return Update{}, err
	}
	b, err := Parse(data)
	if err != nil {
		return Update{}, err
	}
	if !dryRun {
		release, err := s.Lock()
		if err != nil {
			return Update{}, err
		}
		defer release()
	}
	old, _, err := s.Installed()
	if err != nil {
		return Update{}, err
	}
	if err := b.Manifest.Check(time.Now(), old.Serial); err != nil {
		return Update{}, err
	}
	changes, err := b.Changes(sources)
	if err != nil {
		return Update{}, err
	}
	if !dryRun {
		if err := s.Install(b); err != nil {
			return Update{}, err
		}
	}
	m := b.Manifest
	return Update{m.Serial, old.Serial, m.Created, m.Expires, signature.KeyID(), comment, !dryRun, changes}, nil
}

// Changes reads a bundle as the update layer among these layers, refuses it if anything in it is wrong, and says which modems get
// other settings by it.
func (b *Bundle) Changes(from quirks.Sources) ([]quirks.Change, error) {
	dir, err := os.MkdirTemp("", "knak-update-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := b.Unpack(dir); err != nil {
		return nil, err
	}
	to := from
	to.Update = dir
	before, _ := quirks.Open(from)
	after, problems := quirks.Open(to)
	var errs []error
	for _, p := range problems {
		if p.Layer == quirks.Update {
			if name, err := filepath.Rel(dir, p.File); err == nil {
				p.File = name
			}
			errs = append(errs, p)
		}
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("the bundle is refused: %w", errors.Join(errs...))
	}
	list := quirks.Diff(before, after)
	for i := range list {
		for j := range list[i].Keys {
			k := &list[i].Keys[j]
			k.ToSource = strings.TrimPrefix(k.ToSource, dir+"/")
		}
	}
	return list, nil
}
