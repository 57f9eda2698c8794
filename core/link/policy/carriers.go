package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/knakppp/knak/core/apn"
	"github.com/knakppp/knak/core/foreign"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/quirks"
)

// Carriers finds the access points of a SIM by the network that issued it. It reads the table that this machine's distribution
// keeps up to date, or else the one that is compiled in. It reads the table when a dial first needs it, and only the part for the
// SIM's country. Several goroutines may use it.
type Carriers struct {
	Path string // the path of the machine's own table, mobile-broadband-provider-info's XML; apn.Path is its usual place

	mu  sync.Mutex
	mcc string // of t
	t   *apn.Table
	err error // why the machine's own is not used, though it is there
}

// read gives the table for a SIM of which these are the first digits, and why it is not the machine's own.
func (c *Carriers) read(digits string) (*apn.Table, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	mcc := digits[:min(3, len(digits))]
	if c.t != nil && mcc == c.mcc {
		return c.t, c.err
	}
	c.mcc = mcc
	if c.t, c.err = readProviders(mcc, c.Path); c.t == nil {
		var err error
		if c.t, err = apn.Embedded(mcc); err != nil {
			c.t, c.err = &apn.Table{}, err // a test sees to it that it can be read
		}
	}
	return c.t, c.err
}

// maxProviders is the greatest size of the machine's own table, which has less than 2 MB.
const maxProviders = 32 << 20

// readProviders reads the machine's own table, and nothing where it has none.
func readProviders(mcc, path string) (*apn.Table, error) {
	f, err := foreign.Open(path, foreign.Rules{Limit: maxProviders, Links: true})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return apn.ReadXMLFor(mcc, f, "mobile-broadband-provider-info of "+st.ModTime().UTC().Format("2006-01-02"))
}

// access makes the function by which a link learns how a subscription gets in. What a profile or a person says of
// context.auth_method stands.
func (c *Carriers) access(r *quirks.Resolution) func(modem.Home) ([]link.Access, bool) {
	method := r.Setting("context.auth_method").Layer == quirks.Default
	return func(h modem.Home) ([]link.Access, bool) {
		t, err := c.read(h.Digits)
		found, unsure := t.Lookup(h.Digits, h.MNCLength)
		source := "from " + t.Source
		if err != nil {
			source += fmt.Sprintf(" (%v)", err)
		}
		var list []link.Access
		for _, f := range found {
			w := link.Access{Network: f.Network.String(), Source: source + ", carrier " + f.Provider}
			w.APN, w.Login, w.User, w.Password = f.APN, f.Login, f.User, f.Password
			if method {
				w.Method = f.Method
			}
			list = append(list, w)
		}
		return list, unsure
	}
}
