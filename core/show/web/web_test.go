package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// What stands in the page is what was put into it, its policy allows exactly its own script and style, and nothing in it is fetched
// from anywhere.
func TestAssemble(t *testing.T) {
	program := bytes.Repeat([]byte("\x00asm, not really"), 1000)
	page, err := Assemble(program, []byte("// support\n"), "1.2 <b>")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{} // of elements, by the name or the id
	var policy, links string
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		name := n.Data
		for _, a := range n.Attr {
			switch a.Key {
			case "id":
				name = a.Val
			case "content":
				if strings.HasPrefix(a.Val, "default-src") {
					policy = a.Val
				}
			case "src", "action", "srcset", "poster", "data", "style":
				t.Errorf("<%s> has the attribute %s", n.Data, a.Key)
			case "href":
				links += a.Val + " "
			}
		}
		if n.FirstChild != nil && n.FirstChild.Type == html.TextNode {
			text[name] = n.FirstChild.Data
		}
	}
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text["program"])))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, program) {
		t.Errorf("the program in the page is another (%v)", err)
	}
	if !strings.HasPrefix(text["worker"], "// support\n") || !strings.Contains(text["worker"], "onmessage") {
		t.Error("the worker is not whole")
	}
	for _, name := range []string{"script", "style"} {
		sum := sha256.Sum256([]byte(text[name]))
		if !strings.Contains(policy, name+"-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
			t.Errorf("the policy does not allow the page's %s: %s", name, policy)
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "connect-src") || strings.Contains(policy, "unsafe-inline") {
		t.Errorf("the policy is %s", policy)
	}
	if links != "https://github.com/knakppp/knak " {
		t.Errorf("the page leads to %s", links)
	}
	if css := text["style"]; regexp.MustCompile(`url\(|@import`).MatchString(css) {
		t.Error("the style refers to something outside")
	}
	if !strings.Contains(text["footer"], "knak 1.2 <b>.") {
		t.Errorf("the version is shown as %q", text["footer"])
	}
}

// A support file that would end its element is refused.
func TestAssembleRefuses(t *testing.T) {
	for _, support := range []string{"x = '</script>'", "x = '<!--'"} {
		if _, err := Assemble(nil, []byte(support), ""); err == nil {
			t.Errorf("%s is taken", support)
		}
	}
}
