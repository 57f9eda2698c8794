package bundle

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/crypto/blake2b"
)

// This file verifies minisign's signatures (https://jedisct1.github.io/minisign/#signature-format). Why it is here and no
// module: docs/decisions/0008-signed-updates.md.

// maxSmall is the greatest size of a key or signature file that is read.
const maxSmall = 4096

// The two ways in which minisign signs: the file itself, or its BLAKE2b-512 hash (which it does by default today).
const (
	legacy    = "Ed"
	prehashed = "ED"
)

// Key is a public key.
type Key struct {
	id  [8]byte
	key ed25519.PublicKey
}

// String gives the key's id as minisign prints it.
func (k Key) String() string { return keyID(k.id) }

func keyID(id [8]byte) string { return fmt.Sprintf("%016X", binary.LittleEndian.Uint64(id[:])) }

// ParseKey reads a public key: the file that minisign -G writes, or its last line alone.
func ParseKey(text []byte) (Key, error) {
	lines, err := smallLines(text)
	if err != nil {
		return Key{}, fmt.Errorf("public key: %w", err)
	}
	if len(lines) == 2 && strings.HasPrefix(lines[0], "untrusted comment:") {
		lines = lines[1:]
	}
	if len(lines) != 1 {
		return Key{}, errors.New("public key: must be a comment and a line of base64, as minisign -G writes it")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(lines[0])
	if err != nil || len(b) != 2+8+ed25519.PublicKeySize || string(b[:2]) != legacy {
		return Key{}, errors.New("public key: is no minisign public key")
	}
	k := Key{key: ed25519.PublicKey(b[10:])}
	copy(k.id[:], b[2:10])
	return k, nil
}

// Signature is a detached signature.
type Signature struct {
	algorithm string
	id        [8]byte
	signature []byte
	comment   string // signed with it
	global    []byte // the signature over signature and comment
}

// KeyID gives the name of the key that signed, as minisign prints it. The name itself is not signed.
func (s *Signature) KeyID() string { return keyID(s.id) }

// ParseSignature reads the file that minisign -S writes.
func ParseSignature(text []byte) (*Signature, error) {
	lines, err := smallLines(text)
	if err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	const mark = "trusted comment: "
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "untrusted comment:") || !strings.HasPrefix(lines[2], mark) {
		return nil, errors.New("signature: must be four lines, as minisign -S writes them")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(lines[1])
	if err != nil || len(b) != 2+8+ed25519.SignatureSize {
		return nil, errors.New("signature: the second line is no minisign signature")
	}
	s := &Signature{algorithm: string(b[:2]), signature: b[10:], comment: lines[2][len(mark):]}
	copy(s.id[:], b[2:10])
	if s.algorithm != legacy && s.algorithm != prehashed {
		return nil, fmt.Errorf("signature: algorithm %q is not known", s.algorithm)
	}
	if s.global, err = base64.StdEncoding.Strict().DecodeString(lines[3]); err != nil || len(s.global) != ed25519.SignatureSize {
		return nil, errors.New("signature: the last line is no signature of the trusted comment")
	}
	return s, nil
}

// VerifyError says why a signature is refused.
type VerifyError struct{ Text string }

func (e *VerifyError) Error() string { return "signature: " + e.Text }

// Verify checks data against the keys. It gives the trusted comment, which may be shown on a terminal.
func (s *Signature) Verify(keys []Key, data []byte) (comment string, err error) {
	for _, k := range keys {
		if k.id != s.id {
			continue
		}
		message := data
		if s.algorithm == prehashed {
			sum := blake2b.Sum512(data)
			message = sum[:]
		}
		if !ed25519.Verify(k.key, message, s.signature) {
			continue // ids are random and short: another key may have the same one
		}
		if !ed25519.Verify(k.key, append(bytes.Clone(s.signature), s.comment...), s.global) {
			return "", &VerifyError{"the trusted comment is not the one that was signed"}
		}
		return printable(s.comment), nil
	}
	var known []string
	for _, k := range keys {
		if k.id == s.id {
			return "", &VerifyError{"does not belong to this file"}
		}
		known = append(known, k.String())
	}
	if len(keys) == 0 {
		return "", &VerifyError{"this build trusts no key: give the signer's public key with --key"}
	}
	return "", &VerifyError{fmt.Sprintf("made with key %s, but trusted are only %s", s.KeyID(), strings.Join(known, ", "))}
}

// smallLines takes a small file apart.
func smallLines(text []byte) ([]string, error) {
	if len(text) > maxSmall {
		return nil, fmt.Errorf("%d octets long, but at most %d are read", len(text), maxSmall)
	}
	lines := strings.Split(strings.TrimRight(string(text), "\r\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return lines, nil
}

func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, s)
}
