// Package peers judges recorded runs of knak against PPP stacks that Debian does not ship, or ships without PPP, so that no test
// can start them. testdata/README.md says how they were made.
package peers

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/call/lint"
	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/recording/read"
)

// runs are the recordings: what became of the call, what was agreed, and what diagnosis says of it.
var runs = []struct {
	file     string
	works    bool
	protocol uint16 // by which we authenticated; 0: by none
	finding  string // the likeliest; "": nothing is wrong
	local    string
	ipv6     bool
}{
	{file: "lwip/none", works: true, local: "192.0.2.2"},
	{file: "lwip/pap", works: true, protocol: packet.PAP, local: "192.0.2.2"},
	{file: "lwip/chap-md5", works: true, protocol: packet.CHAP, local: "192.0.2.2"},
	{file: "lwip/ms-chap", works: true, protocol: packet.CHAP, local: "192.0.2.2"},
	{file: "lwip/ms-chapv2", works: true, protocol: packet.CHAP, local: "192.0.2.2"},
	{file: "lwip/eap-md5", works: true, protocol: packet.EAP, local: "192.0.2.2"},
	{file: "lwip/ipv6", works: true, local: "192.0.2.2", ipv6: true},
	{file: "lwip/accept-local", works: true, local: "192.0.2.2"},
	{file: "lwip/chap-md5-refused", protocol: packet.CHAP, finding: "auth-rejected"},
	{file: "lwip/ms-chapv2-refused", protocol: packet.CHAP, finding: "auth-rejected"},
	{file: "lwip/eap-refused", protocol: packet.EAP, finding: "auth-rejected"},
	{file: "lwip/pap-wanted", finding: "peer-says-auth-missing"}, // its Terminate-Request, which came last, says it best,
	{file: "lwip/local-address", finding: "local-address-forced"},
}

func TestRecordedRuns(t *testing.T) {
	for _, run := range runs {
		t.Run(run.file, func(t *testing.T) {
			f, err := os.Open(filepath.Join("testdata", run.file+".pcapng"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			r, err := read.Open(f, read.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var linter lint.Linter
			collector, watcher := &call.Collector{}, diagnose.New()
			var up *event.Up
			protocol := uint16(0)
			for rec, err := range read.All(r) {
				if errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				for _, fault := range linter.Check(rec) {
					if !fault.Allowed {
						t.Errorf("%s: %s", rec.Pos, fault.Text)
					}
				}
				collector.Record(rec)
				watcher.Record(rec)
				switch e := rec.Event.(type) {
				case event.Up:
					up = &e
				case event.Packet:
					if e.Dir == event.Sent && (e.Protocol == packet.PAP || e.Protocol == packet.CHAP || e.Protocol == packet.EAP) {
						protocol = e.Protocol
					}
				case event.Unread:
					t.Errorf("%s: not read: %s", rec.Pos, e.Reason)
				}
			}
			calls := collector.Calls()
			if len(calls) != 1 || calls[0].Worked() != run.works {
				t.Fatalf("%d calls; works: %v", len(calls), len(calls) > 0 && calls[0].Worked())
			}
			if protocol != run.protocol {
				t.Errorf("authenticated by %#x, want %#x", protocol, run.protocol)
			}
			if run.works && (up == nil || up.Local != run.local || (up.IPv6 != "") != run.ipv6) {
				t.Errorf("up says %+v", up)
			}
			finding := ""
			if f, ok := watcher.Finding(); ok {
				finding = f.ID
			}
			if finding != run.finding {
				t.Errorf("judged %q, want %q", finding, run.finding)
			}
		})
	}
}
