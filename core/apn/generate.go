//go:build ignore

// Generate writes table.txt, the compact copy of mobile-broadband-provider-info that is compiled in. It reads the XML
// that Debian's package installs: apt-get install mobile-broadband-provider-info, then make apn.
package main

import (
	"bytes"
	"flag"
	"log"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/apn"
)

const notice = `# The facts of mobile-broadband-provider-info that a data call needs. Its authors have dedicated that work to the public
# domain (its file COPYING). Made by go generate: correct mistakes there, not here.
`

func main() {
	in := flag.String("in", apn.Path, "the XML to read")
	out := flag.String("out", "table.txt", "the table to write")
	flag.Parse()
	log.SetFlags(0)
	version, err := exec.Command("dpkg-query", "-W", "-f", "${source:Upstream-Version}", "mobile-broadband-provider-info").Output()
	if err != nil {
		log.Fatalf("which version is it? dpkg-query: %v", err)
	}
	f, err := os.Open(*in)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	t, err := apn.ReadXML(f, "mobile-broadband-provider-info "+strings.TrimSpace(string(version)))
	if err != nil {
		log.Fatal(err)
	}
	head, rest, _ := bytes.Cut(t.AppendCompact(nil), []byte("\n"))
	text := slices.Concat(head, []byte("\n"+notice), rest)
	if err := os.WriteFile(*out, text, 0o644); err != nil {
		log.Fatal(err)
	}
}
