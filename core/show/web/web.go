// Package web builds knak's page for browsers: one HTML file that contains the program (wasm/main.go, compiled). It works from a disk, a file share or
// any file server. Its Content-Security-Policy forbids every connection. docs/decisions/0015-page.md gives the reasons.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/knakppp/knak/core/show/report"
)

var (
	//go:embed page/page.html
	frame string
	//go:embed page/style.css
	style string
	//go:embed page/script.js
	script string
	//go:embed page/worker.js
	worker string
)

// Assemble builds the page. program is the compiled program; support is wasm_exec.js of the Go release that compiled it.
func Assemble(program, support []byte, version string) ([]byte, error) {
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = io.Copy(z, bytes.NewReader(program))
		err = errors.Join(err, z.Close())
	}
	if err != nil {
		return nil, err
	}
	css, code := report.Style+style, report.Script+script
	page := strings.NewReplacer(
		"{{version}}", html.EscapeString(version),
		"{{policy}}", policy(code, css),
		"{{style}}", css,
		"{{script}}", code,
		"{{worker}}", string(support)+worker,
		"{{program}}", base64.StdEncoding.EncodeToString(packed.Bytes()),
	).Replace(frame)
	for _, s := range []string{css, code, string(support) + worker} {
		if strings.Contains(s, "</s") || strings.Contains(s, "<!--") { // it would end, or hide the end of, its element
			return nil, errors.New("a script or style holds what ends it")
		}
	}
	return []byte(page), nil
}

// policy allows the page its own script and style, a worker that is made of its own text, and the program; nothing else: no
// connection, no picture, no form, no frame. A worker of a blob has the policy of the page that made it.
func policy(code, css string) string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return fmt.Sprintf("default-src 'none'; script-src %s 'wasm-unsafe-eval'; worker-src blob:; style-src %s; base-uri 'none'; form-action 'none'", hash(code), hash(css))
}
