package vectors

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// Whatever a trace holds, what is made of it can be read, and nothing of it is lost in silence: a stub that is refused
// would stop the dial that it is to help.
func FuzzStub(f *testing.F) {
	f.Add(`{"event":"device","vendor":"A \"\\\u0007c","model":"M\n1","usb":"1234:5678","firmware":"é"}
{"event":"quirk","key":"at.init","value":"[\"AT\\\"X\"]","source":"command line"}
{"event":"quirk","key":"ipcp.request","value":"[]","source":"command line"}
{"event":"phase","phase":"dial"}
{"event":"at","dir":"sent","text":"AT+X=1"}
{"event":"at","dir":"rcvd","text":"ERROR"}
{"event":"at","dir":"sent","text":"ATD*99#"}
{"event":"at","dir":"rcvd","text":"CONNECT"}`)
	f.Add(`{"event":"phase","phase":"ipcp"}
{"event":"packet","dir":"sent","proto":"ipcp","code":"ConfReq","t":"2026-11-22T12:00:00Z"}
{"event":"packet","dir":"rcvd","proto":"ipcp","code":"ConfRej","options":["ms-wins 1.2.3.4","ms-wins 1.2.3.4","ms-wins x","compress VJ 0f 01"],"t":"2026-11-22T12:00:00Z"}
{"event":"packet","dir":"sent","proto":"ipcp","code":"ConfReq","t":"2026-11-22T12:00:00Z"}
{"event":"packet","dir":"rcvd","proto":"ipcp","code":"ConfNak","options":["addr 0.0.0.0","addrs 1.2.3.4 5.6.7.8"],"t":"2026-11-22T12:00:09Z"}
{"event":"failure","phase":"ipcp","cause":"carrier-lost","t":"2026-11-22T12:00:19Z"}
{"event":"finding","id":"ipcp-empty-nak"}
{"event":"down","exit_code":19}`)
	f.Add(`{"event":"packet","dir":"rcvd","proto":"lcp","code":"ConfReq","options":["mru 1440x","auth chap MS-v2","auth eap"]}
{"event":"packet","dir":"rcvd","proto":"ipcp","code":"ConfNak","options":["addr not-an-address","ms-dns1 10.11.12.13 "]}`)
	f.Fuzz(func(t *testing.T, text string) {
		in, err := read.Open(strings.NewReader(text), read.Options{})
		if err != nil {
			return
		}
		calls, err := call.Read(read.All(in))
		if err != nil {
			return
		}
		facts := mimic.Facts(calls)
		if quirks.CheckPattern("usb", facts.USB) != nil {
			facts.USB = "" // the command refuses others
		}
		s := Stub{ID: "acme/m1", Facts: facts, Seen: calls}
		tree := fstest.MapFS{}
		for _, file := range s.Files() {
			tree[file.Name] = &fstest.MapFile{Data: []byte(file.Text)}
			if strings.HasSuffix(file.Name, suffix) {
				if _, err := sim.Parse(file.Name, []byte(file.Text)); err != nil {
					t.Errorf("%v\n%s", err, file.Text)
				}
			}
		}
		tree["devices.toml"], tree["quirks/acme/m1.toml"] = tree["devices.d/acme-m1.toml"], tree["quirks.d/acme/m1.toml"]
		_, problems := quirks.Open(quirks.Sources{Builtin: tree})
		for _, p := range problems {
			// Reasons and sources are demanded of built-in files only.
			if !strings.Contains(p.Text, "needs a") {
				t.Errorf("%v\n%s%s", p, tree["quirks/acme/m1.toml"].Data, tree["devices.toml"].Data)
			}
		}
	})
}
