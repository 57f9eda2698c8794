package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/plane/resolv"
	"github.com/knakppp/knak/core/port"
)

// checkDNS says how the host would learn the link's name servers, and what is left of a link's.
func checkDNS(ctx context.Context, fix bool) []Check {
	var list []Check
	host := resolv.Host{}
	switch mode := host.Chooses(); mode {
	case resolv.Resolved:
		list = append(list, Check{Name: "dns", State: "ok", Text: "name servers are set through systemd-resolved"})
	case resolv.None:
		list = append(list, Check{Name: "dns", State: "ok", Text: "this system's name servers stay as they are, or those of the host whose network name space this is not; the proxy of --plane stack asks those of the link"})
	case resolv.Resolvconf:
		list = append(list, Check{Name: "dns", State: "ok", Text: "name servers are set through resolvconf"})
	default:
		c := Check{Name: "dns", State: "ok", Text: "name servers are set in " + resolv.DefaultPath}
		if err := resolv.MayWrite(resolv.DefaultPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
			c = Check{"dns", "note", fmt.Sprintf("neither systemd-resolved runs nor is there resolvconf, and %s: %v", resolv.DefaultPath, err), "run as root, or --dns none, and set name servers by hand"}
		}
		list = append(list, c)
	}
	left, err := host.Leftover("")
	if fix && len(left) > 0 {
		var done []resolv.Left
		done, err = host.Repair(ctx, "", func(string, string, ...any) {})
		for _, l := range done {
			list = append(list, Check{Name: "dns", State: "ok", Text: fmt.Sprintf("%s was put back as it was before %s", l.Where, join(l.Links))})
		}
		left = nil
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		list = append(list, Check{"dns", "note", fmt.Sprintf("whether a killed dial has left its servers cannot be seen: %v", err), "knak doctor as root"})
	case err != nil:
		list = append(list, Check{"dns", "bad", err.Error(), "see what it says"})
	}
	for _, l := range left {
		list = append(list, Check{"dns", "note", fmt.Sprintf("%s still has the servers of %s, whose dial was killed", l.Where, join(l.Links)), "knak doctor --fix, or knak hangup; the next dial does it, too"})
	}
	return list
}

// askLinkWait is how long a running dial may take to answer doctor.
const askLinkWait = 2 * time.Second

// checkControl says which links are up, and which sockets a killed dial has left behind.
func checkControl(ctx context.Context, fix bool) []Check {
	links, err := control.Links(control.Dir())
	if err != nil {
		return []Check{{"control", "note", err.Error(), "set KNAK_RUNTIME_DIR to a directory of your own"}}
	}
	var held, left []string
	for _, name := range links {
		asking, cancel := context.WithTimeout(ctx, askLinkWait)
		_, err := control.AskStatus(asking, control.Dir(), name)
		cancel()
		var none *control.NoLinkError
		if errors.As(err, &none) {
			left = append(left, name)
		} else {
			held = append(held, name)
		}
	}
	var list []Check
	if len(held) > 0 {
		list = append(list, Check{Name: "links", State: "note", Text: "running dials hold " + join(held)})
	}
	if len(left) == 0 {
		return list
	}
	if fix {
		for _, name := range left {
			err = errors.Join(err, control.RemoveLeftover(control.Dir(), name))
		}
		if err == nil {
			return append(list, Check{Name: "links", State: "ok", Text: "removed the sockets of killed dials: " + join(left)})
		}
		return append(list, Check{Name: "links", State: "note", Text: err.Error()})
	}
	return append(list, Check{"links", "note", "no running dial holds " + join(left) + ", but a killed one has left its socket", "knak doctor --fix; the next dial of that name does it, too"})
}

// checkLocks says which lock files of ports a killed dial has left behind.
func checkLocks(fix bool) []Check {
	left, err := port.StaleLocks("")
	if err != nil || len(left) == 0 {
		return nil // a directory that cannot be read is said where a port is looked at
	}
	if !fix {
		return []Check{{"locks", "note", "the programs have ended that have left " + join(left), "knak doctor --fix; the next dial on that port does it, too"}}
	}
	for _, name := range left {
		err = errors.Join(err, port.RemoveStaleLock(name))
	}
	if err != nil {
		return []Check{{Name: "locks", State: "note", Text: err.Error()}}
	}
	return []Check{{Name: "locks", State: "ok", Text: "removed the lock files of programs that have ended: " + join(left)}}
}

func join(words []string) string { return strings.Join(words, ", ") }
