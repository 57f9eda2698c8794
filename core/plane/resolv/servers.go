package resolv

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/foreign"
)

// Servers gives the name servers that this host uses now: those in resolv.conf(5) at path ("" is /etc/resolv.conf), and those in
// the files in which systemd-resolved and NetworkManager list the servers behind a resolver on this host. A file that cannot be
// read gives none.
func (h Host) Servers(path string) (list []netip.Addr) {
	if path == "" {
		path = "/etc/resolv.conf"
	}
	run := h.Run
	if run == "" {
		run = "/run"
	}
	for _, p := range []string{path, filepath.Join(run, "systemd/resolve/resolv.conf"), filepath.Join(run, "NetworkManager/no-stub-resolv.conf")} {
		text, err := foreign.Read(p, foreign.Rules{Links: true})
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) < 2 || fields[0] != "nameserver" {
				continue
			}
			a, err := netip.ParseAddr(fields[1])
			if err != nil {
				continue
			}
			if a = a.WithZone("").Unmap(); !slices.Contains(list, a) {
				list = append(list, a)
			}
		}
	}
	return list
}
