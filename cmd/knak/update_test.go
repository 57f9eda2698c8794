package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/blake2b"
)

// signWith signs a file as minisign -S does: signwith SEED FILE [COMMENT]. SEED is one character, from which a key is made that
// is nobody's; SEED.pub is written too.
func signWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args[0]) != 1 {
		ts.Fatalf("usage: signwith SEED FILE [COMMENT]")
	}
	comment := "made in a test"
	if len(args) > 2 {
		comment = args[2]
	}
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte(args[0]), ed25519.SeedSize))
	id := bytes.Repeat([]byte(args[0]), 8)
	encode := func(parts ...[]byte) string { return base64.StdEncoding.EncodeToString(bytes.Join(parts, nil)) + "\n" }
	sum := blake2b.Sum512([]byte(ts.ReadFile(args[1])))
	signature := ed25519.Sign(key, sum[:])
	text := "untrusted comment: test\n" + encode([]byte("ED"), id, signature) + "trusted comment: " + comment + "\n" +
		encode(ed25519.Sign(key, append(bytes.Clone(signature), comment...)))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]+".minisig"), []byte(text), 0o600))
	public := "untrusted comment: test\n" + encode([]byte("Ed"), id, key.Public().(ed25519.PublicKey))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pub"), []byte(public), 0o600))
}

// serveFiles serves the working directory over TLS until the script ends, and over plain HTTP: $HTTPS and $HTTP are the
// addresses, and SSL_CERT_FILE is the authority that commands believe.
func serveFiles(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: servefiles")
	}
	files := http.FileServer(http.Dir(ts.MkAbs(".")))
	plain := httptest.NewServer(files)
	secure := httptest.NewUnstartedServer(files)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	ts.Defer(plain.Close)
	ts.Defer(secure.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), ca, 0o600))
	ts.Setenv("HTTP", plain.URL)
	ts.Setenv("HTTPS", secure.URL)
	ts.Setenv("SSL_CERT_FILE", ts.MkAbs("ca.pem"))
	ts.Setenv("SSL_CERT_DIR", ts.MkAbs("none"))
}
