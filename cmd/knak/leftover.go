package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/plane/resolv"
)

// This file is what a dial has left behind that was killed, or whose machine lost its power.

// repairHost takes back what is left on this host, and says what that was, for people.
func repairHost(ctx context.Context, tell func(event.Notice)) []string {
	notice := func(level, format string, args ...any) {
		tell(event.Notice{Level: level, Text: fmt.Sprintf(format, args...)})
	}
	dead, err := resolv.Host{}.Repair(ctx, "", notice)
	switch {
	case errors.Is(err, fs.ErrPermission): // it may be another user's, who has a link up
		return nil
	case err != nil:
		notice("warning", "%s was left changed by a dial that was killed, and cannot be put right: %v", resolv.DefaultPath, err)
		return nil
	case len(dead) == 0:
		return nil
	}
	return []string{resolv.DefaultPath + ", from " + joinWords(dead)}
}

// checkDNS says how the host would learn the link's name servers, and what is left of a link's.
func checkDNS(ctx context.Context, fix bool) []checkup {
	var list []checkup
	host := resolv.Host{}
	switch mode := host.Chooses(); mode {
	case resolv.Resolved:
		list = append(list, checkup{Name: "dns", State: "ok", Text: "name servers are set through systemd-resolved"})
	case resolv.Resolvconf:
		list = append(list, checkup{Name: "dns", State: "ok", Text: "name servers are set through resolvconf"})
	default:
		c := checkup{Name: "dns", State: "ok", Text: "name servers are set in " + resolv.DefaultPath}
		if err := unix.Access(resolv.DefaultPath, unix.W_OK); err != nil && !errors.Is(err, fs.ErrNotExist) {
			c = checkup{"dns", "note", fmt.Sprintf("neither systemd-resolved runs nor is there resolvconf, and %s: %v", resolv.DefaultPath, err), "run as root, or --dns none, and set name servers by hand"}
		}
		list = append(list, c)
	}
	dead, err := host.Leftover("")
	if err == nil && len(dead) > 0 && fix {
		if dead, err = host.Repair(ctx, "", func(string, string, ...any) {}); err == nil {
			return append(list, checkup{Name: "dns", State: "ok", Text: fmt.Sprintf("%s was put back as it was before %s", resolv.DefaultPath, joinWords(dead))})
		}
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		list = append(list, checkup{"dns", "note", fmt.Sprintf("whether a killed dial has left servers in %s cannot be seen: %v", resolv.DefaultPath, err), "knak doctor as root"})
	case err != nil:
		list = append(list, checkup{"dns", "bad", err.Error(), "see what it says"})
	case len(dead) > 0:
		list = append(list, checkup{"dns", "note", fmt.Sprintf("%s still has the servers of %s, whose dial was killed", resolv.DefaultPath, joinWords(dead)), "knak doctor --fix, or knak hangup; the next dial does it, too"})
	}
	return list
}

// askLinkWait is how long a running dial may take to answer doctor.
const askLinkWait = 2 * time.Second

// checkControl says which links are up, and which sockets a killed dial has left behind.
func checkControl(ctx context.Context, fix bool) []checkup {
	links, err := control.Links(control.Dir())
	if err != nil {
		return []checkup{{"control", "note", err.Error(), "set KNAK_RUNTIME_DIR to a directory of your own"}}
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
	var list []checkup
	if len(held) > 0 {
		list = append(list, checkup{Name: "links", State: "note", Text: "running dials hold " + joinWords(held)})
	}
	if len(left) == 0 {
		return list
	}
	if fix {
		for _, name := range left {
			err = errors.Join(err, control.RemoveLeftover(control.Dir(), name))
		}
		if err == nil {
			return append(list, checkup{Name: "links", State: "ok", Text: "removed the sockets of killed dials: " + joinWords(left)})
		}
		return append(list, checkup{Name: "links", State: "note", Text: err.Error()})
	}
	return append(list, checkup{"links", "note", "no running dial holds " + joinWords(left) + ", but a killed one has left its socket", "knak doctor --fix; the next dial of that name does it, too"})
}
