package resolv

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// state describes a resolv.conf while links use it. It is a file beside resolv.conf, and so survives as long as that.
type state struct {
	Version  int     `json:"version"`
	Original node    `json:"original"` // what comes back
	Links    []claim `json:"links"`    // those that are up, oldest first
	// Written is what the file may hold of ours: what was written last, and what stood there before in case the writing
	// was cut short, once or several times.
	Written [][]byte `json:"written"`
	// Added are the name servers that somebody has added to our file, as lines, and whether in front of ours.
	Added []addition `json:"added,omitempty"`
	// Servers are all that were ever written since Original's own (Known) were read: what another program has copied of
	// them is taken out again.
	Servers []netip.Addr `json:"servers"`
	Known   []netip.Addr `json:"known,omitempty"`
	// InPlace: the file cannot be replaced, only be overwritten, as one that is mounted into a container. Writing: that is
	// being done, and the file may hold a part of the old content and a part of the new.
	InPlace bool `json:"in_place,omitempty"`
	Writing bool `json:"writing,omitempty"`
}

// claim is the wish of one link that the host uses its servers.
type claim struct {
	Interface string       `json:"interface"`
	Owner     owner        `json:"owner"`
	Servers   []netip.Addr `json:"servers"`
	// Displaced: another program has put its own file in place of ours since.
	Displaced bool `json:"displaced,omitempty"`
}

type addition struct {
	Line   string `json:"line"`
	Before bool   `json:"before,omitempty"`
}

// owner identifies a process, so that a later process with the same id is not taken for it.
type owner struct {
	Boot  string `json:"boot"` // of the running of the kernel
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // since the start of the kernel, in its clock ticks
}

// Bounds of a state.
const (
	maxLinks   = 64
	maxWritten = 6
)

// errVersion says that another version of knak has written a state. Each change of the state's format gets a new number.
var errVersion = errors.New("the state of a later version of knak")

// parseState reads a state strictly.
func parseState(text []byte) (*state, error) {
	var first struct {
		Version int `json:"version"`
	}
	if json.Unmarshal(text, &first) == nil && first.Version > 1 { // whatever else that version has
		return nil, fmt.Errorf("%w (%d, this one knows 1)", errVersion, first.Version)
	}
	var st state
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&st); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("damaged: more than one object")
	}
	if st.Version != 1 {
		return nil, fmt.Errorf("damaged: version %d", st.Version)
	}
	if err := st.Original.check(); err != nil {
		return nil, err
	}
	if len(st.Links) > maxLinks || len(st.Written) > maxWritten {
		return nil, errors.New("damaged: too much of something")
	}
	for _, l := range st.Links {
		if l.Interface == "" || strings.ContainsAny(l.Interface, "\n/") || !allValid(l.Servers) {
			return nil, fmt.Errorf("damaged: the name of a link is not possible: %q", l.Interface)
		}
	}
	for _, a := range st.Added {
		if strings.ContainsAny(a.Line, "\n\r") {
			return nil, errors.New("damaged: a line of two")
		}
	}
	if !allValid(st.Servers) || !allValid(st.Known) {
		return nil, errors.New("damaged: a server without an address")
	}
	return &st, nil
}

func allValid(list []netip.Addr) bool {
	return !slices.ContainsFunc(list, func(a netip.Addr) bool { return !a.IsValid() })
}

func (n node) check() error {
	switch {
	case n.Kind == kindLink && (n.Target == "" || strings.Contains(n.Target, "\x00")):
		return errors.New("damaged: a link without a target")
	case n.Kind != kindLink && n.Target != "", n.Kind == kindNone && len(n.Content) > 0, n.Mode > 0o777, n.UID < 0, n.GID < 0:
		return errors.New("damaged: the kind or the mode of the file is not possible")
	case !slices.Contains([]string{kindNone, kindFile, kindLink}, n.Kind):
		return fmt.Errorf("damaged: kind %q", n.Kind)
	}
	return nil
}

func (st *state) format() []byte {
	text, err := json.Marshal(st)
	if err != nil {
		panic(err) // texts, octets, numbers and valid addresses can be written
	}
	return append(text, '\n')
}

// self gives this process as an owner.
func self() owner { o, _ := processOf(os.Getpid()); return o }

// runs says whether a process still runs.
func runs(o owner) bool {
	now, ok := processOf(o.PID)
	return ok && now == o
}

// processOf finds a process (proc_pid_stat(5), field 22). The name in field 2 may hold anything, parentheses too.
func processOf(pid int) (owner, bool) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return owner{PID: pid}, false
	}
	o := owner{Boot: strings.TrimSpace(string(boot)), PID: pid}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return o, false
	}
	start, ok := startOf(stat)
	o.Start = start
	return o, ok
}

func startOf(stat []byte) (uint64, bool) {
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) < 20 || f[0][0] == 'Z' { // a zombie holds nothing any more
		return 0, false
	}
	start, err := strconv.ParseUint(string(f[19]), 10, 64)
	return start, err == nil
}
