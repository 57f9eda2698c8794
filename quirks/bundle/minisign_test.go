package bundle

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/blake2b"
)

// signer signs as minisign -S does. Its keys are made from one octet and are nobody's.
type signer struct {
	id  [8]byte
	key ed25519.PrivateKey
}

func newSigner(seed byte) signer {
	return signer{[8]byte{seed, 1, 2, 3, 4, 5, 6, 7}, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))}
}

func (s signer) public() []byte {
	b := append(append([]byte("Ed"), s.id[:]...), s.key.Public().(ed25519.PublicKey)...)
	return []byte("untrusted comment: minisign public key\n" + base64.StdEncoding.EncodeToString(b) + "\n")
}

func (s signer) trusted(t testing.TB) Key {
	t.Helper()
	k, err := ParseKey(s.public())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (s signer) sign(algorithm, comment string, data []byte) []byte {
	message := data
	if algorithm == prehashed {
		sum := blake2b.Sum512(data)
		message = sum[:]
	}
	signature := ed25519.Sign(s.key, message)
	b := append(append([]byte(algorithm), s.id[:]...), signature...)
	global := ed25519.Sign(s.key, append(bytes.Clone(signature), comment...))
	return []byte("untrusted comment: signature\n" + base64.StdEncoding.EncodeToString(b) + "\ntrusted comment: " + comment + "\n" +
		base64.StdEncoding.EncodeToString(global) + "\n")
}

func verify(text []byte, keys []Key, data []byte) (string, error) {
	s, err := ParseSignature(text)
	if err != nil {
		return "", err
	}
	return s.Verify(keys, data)
}

func TestVerify(t *testing.T) {
	data := []byte("what is signed")
	us, them := newSigner(1), newSigner(2)
	same := newSigner(3)
	same.id = us.id
	trusted := []Key{us.trusted(t)}
	good := us.sign(prehashed, "serial 7", data)
	change := func(text []byte, line int, f func(string) string) []byte {
		lines := strings.Split(string(text), "\n")
		lines[line] = f(lines[line])
		return []byte(strings.Join(lines, "\n"))
	}
	for _, tt := range []struct {
		name string
		text []byte
		keys []Key
		data []byte
		want string // in the error; "": it is good
	}{
		{"hashed first", good, trusted, data, ""},
		{"legacy", us.sign(legacy, "serial 7", data), trusted, data, ""},
		{"the next key", them.sign(prehashed, "x", data), []Key{us.trusted(t), them.trusted(t)}, data, ""},
		{"two keys with one id", us.sign(prehashed, "x", data), []Key{same.trusted(t), us.trusted(t)}, data, ""},
		{"line ends of Windows", bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")), trusted, data, ""},
		{"other data", good, trusted, []byte("what is signeD"), "does not belong"},
		{"nothing", good, trusted, nil, "does not belong"},
		{"a key that is not trusted", them.sign(prehashed, "x", data), trusted, data, "made with key"},
		{"no key", good, nil, data, "this build trusts no key: give the signer's public key with --key"},
		{"its id forged", same.sign(prehashed, "x", data), trusted, data, "does not belong"},
		{"another trusted comment", change(good, 2, func(s string) string { return s + "0" }), trusted, data, "trusted comment is not"},
		{"the global signature of another", change(good, 3, func(string) string { return strings.Split(string(us.sign(prehashed, "other", data)), "\n")[3] }), trusted, data, "trusted comment is not"},
		{"hashed taken for legacy", change(good, 1, func(s string) string {
			b, _ := base64.StdEncoding.DecodeString(s)
			b[1] = 'd'
			return base64.StdEncoding.EncodeToString(b)
		}), trusted, data, "does not belong"},
		{"another algorithm", change(good, 1, func(s string) string {
			b, _ := base64.StdEncoding.DecodeString(s)
			b[0] = 'X'
			return base64.StdEncoding.EncodeToString(b)
		}), trusted, data, "not known"},
		{"no trusted comment", change(good, 2, func(string) string { return "comment: x" }), trusted, data, "four lines"},
		{"no global signature", []byte(strings.Join(strings.Split(string(good), "\n")[:3], "\n")), trusted, data, "four lines"},
		{"a line more", append(bytes.Clone(good), "x\n"...), trusted, data, "four lines"},
		{"short", change(good, 1, func(s string) string { return s[:40] }), trusted, data, "no minisign signature"},
		{"not base64", change(good, 3, func(s string) string { return "!" + s[1:] }), trusted, data, "last line"},
		{"long", append(bytes.Clone(good), bytes.Repeat([]byte("\n"), maxSmall)...), trusted, data, "at most"},
		{"empty", nil, trusted, data, "four lines"},
	} {
		comment, err := verify(tt.text, tt.keys, tt.data)
		if tt.want == "" && (err != nil || comment == "") || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %q, %v; want %q", tt.name, comment, err, tt.want)
		}
	}
	var refused *VerifyError
	if _, err := verify(good, nil, data); !errors.As(err, &refused) {
		t.Errorf("%T", err)
	}
	if comment, err := verify(us.sign(prehashed, "a\x1b[2Jb", data), trusted, data); err != nil || comment != "a?[2Jb" {
		t.Errorf("a comment for the terminal: %q, %v", comment, err)
	}
}

func TestParseKey(t *testing.T) {
	us := newSigner(1)
	line := strings.Split(string(us.public()), "\n")[1]
	for text, want := range map[string]string{
		string(us.public()): "0706050403020101", line: "0706050403020101", line + "\n": "0706050403020101",
		"": "", "x\n" + line: "", line[:20]: "", "untrusted comment: x\n": "", strings.Repeat("A", maxSmall+1): "",
		base64.StdEncoding.EncodeToString(append([]byte("ED"), make([]byte, 40)...)): "",
	} {
		k, err := ParseKey([]byte(text))
		if (err == nil) != (want != "") || err == nil && k.String() != want {
			t.Errorf("%.30q: %v, %v; want %q", text, k, err, want)
		}
	}
}

// Both slots of the project's own keys are empty, or hold keys.
func TestBuiltinKeys(t *testing.T) {
	keys, err := BuiltinKeys()
	if err != nil {
		t.Fatal(err)
	}
	filled := 0
	for _, text := range builtin {
		if text != "" {
			filled++
		}
	}
	if len(keys) != filled {
		t.Errorf("%d keys of %d", len(keys), filled)
	}
}

// What the real minisign signs is accepted, and what we sign is accepted by it.
func TestAgainstMinisign(t *testing.T) {
	tool, err := exec.LookPath("minisign")
	if err != nil {
		t.Skip("SKIPPED: minisign on our signatures: it is not installed (Debian: apt-get install minisign)")
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	run := func(args ...string) {
		t.Helper()
		c := exec.Command(tool, args...)
		c.Stdin = strings.NewReader("\n\n")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("minisign %v: %v\n%s", args, err, out)
		}
	}
	data := []byte("some data\x00 of ours\n")
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(at(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) []byte {
		t.Helper()
		b, err := os.ReadFile(at(name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	write("data", data)
	run("-G", "-W", "-p", at("key.pub"), "-s", at("key.sec"))
	k, err := ParseKey(read("key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	// minisign writes the id without leading zeros.
	if !strings.Contains(string(read("key.pub")), strings.TrimLeft(k.String(), "0")) {
		t.Errorf("key id %s is not in %s", k, read("key.pub"))
	}
	for _, form := range []string{"-H", "-l"} {
		run("-S", form, "-s", at("key.sec"), "-m", at("data"), "-x", at("sig"), "-t", "serial 7")
		comment, err := verify(read("sig"), []Key{k}, data)
		if err != nil || comment != "serial 7" {
			t.Errorf("%s: %q, %v", form, comment, err)
		}
	}
	us := newSigner(9)
	write("us.pub", us.public())
	for _, algorithm := range []string{legacy, prehashed} {
		write("sig", us.sign(algorithm, "ours", data))
		run("-V", "-p", at("us.pub"), "-m", at("data"), "-x", at("sig"))
	}
}

func FuzzParseSignature(f *testing.F) {
	us := newSigner(1)
	f.Add(us.sign(prehashed, "c", []byte("d")), us.public(), []byte("d"))
	f.Add(us.sign(legacy, "c", []byte("d")), us.public(), []byte("e"))
	trusted := us.trusted(f)
	good := map[string]bool{string(us.sign(prehashed, "c", []byte("d"))): true, string(us.sign(legacy, "c", []byte("d"))): true}
	f.Fuzz(func(t *testing.T, signature, key, data []byte) {
		keys := []Key{trusted}
		if k, err := ParseKey(key); err == nil {
			keys = append(keys, k)
		}
		comment, err := verify(signature, keys[:1], data)
		if err == nil && string(data) != "d" {
			t.Fatalf("%q verifies %q (%v)", signature, data, good[string(signature)])
		}
		if strings.ContainsAny(comment, "\x1b\n\r") {
			t.Fatalf("comment %q", comment)
		}
		_, _ = verify(signature, keys, data)
	})
}
