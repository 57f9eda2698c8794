package apn

import (
	"cmp"
	"slices"
	"strings"
)

// Network is the network that issued a SIM. MNC has two or three digits: 01 and 001 are different networks.
type Network struct{ MCC, MNC string }

// String gives for example "262-01".
func (n Network) String() string { return n.MCC + "-" + n.MNC }

// Rank orders the providers that have the same network.
type Rank uint8

// The ranks, best first.
const (
	Primary Rank = iota // the table says that the provider owns the network
	Unsaid              // the table does not say who owns the network
	Virtual             // a virtual operator: the table says that it is not the owner, or tells its SIMs apart by their group (EF_GID1)
)

// Provider is a company with its networks and access points.
type Provider struct {
	Name     string
	Rank     Rank
	Networks []Network
	Access   []Access
}

// Access is one access point of a provider, with its login.
type Access struct {
	Provider string
	Network  Network // the network by which Lookup found it
	APN      string
	// Login says that the table names credentials, which may be empty. If it is false, nothing is known about credentials: User,
	// Password and Method are empty.
	Login    bool
	User     string
	Password string
	Method   string // "pap" or "chap"; "" if it is not known
}

// Table is a set of providers. It does not change after it was made; several goroutines may use it at once.
type Table struct {
	// Source names the table's origin for people: "mobile-broadband-provider-info 20230416".
	Source    string
	Providers []Provider
}

// Lookup gives the access points for a SIM, the likeliest first. digits are the first six digits of the IMSI. mncLength is the
// number of digits of the network code behind the country code, 2 or 3; any other value means that the SIM did not say (EF_AD,
// 3GPP TS 31.102 section 4.2.18). Then the table decides: three digits are tried first in a country where most networks have
// three, otherwise two. unsure says that both lengths give a network, so the caller should ask the SIM. The result then holds the
// access points of the likelier network, followed by those of the other.
func (t *Table) Lookup(digits string, mncLength int) (list []Access, unsure bool) {
	if len(digits) < 6 || strings.Trim(digits[:6], "0123456789") != "" {
		return nil, false
	}
	mcc, two, three := digits[:3], t.of(Network{digits[:3], digits[3:5]}), t.of(Network{digits[:3], digits[3:6]})
	switch {
	case mncLength == 2:
		return two, false
	case mncLength == 3:
		return three, false
	case t.mostlyThree(mcc):
		list = append(three, two...)
	default:
		list = append(two, three...)
	}
	return distinct(list), len(two) > 0 && len(three) > 0
}

// mostlyThree says whether more of a country's networks have three digits than two. All numbering plans but a few keep
// to one length; where they do not, the SIM knows best.
func (t *Table) mostlyThree(mcc string) bool {
	seen := map[string]bool{}
	balance := 0
	for i := range t.Providers {
		for _, n := range t.Providers[i].Networks {
			if n.MCC != mcc || seen[n.MNC] {
				continue
			}
			seen[n.MNC] = true
			balance += 2*len(n.MNC) - 5 // -1 or +1
		}
	}
	return balance > 0
}

// of gives the ways into one network: those of its owner first, of virtual operators last. Where the table does not say
// who the owner is, the provider with more networks comes first, since one that only borrows a network mostly lists that
// one alone; then the table's order.
func (t *Table) of(n Network) (list []Access) {
	var found []*Provider
	for i := range t.Providers {
		if slices.Contains(t.Providers[i].Networks, n) {
			found = append(found, &t.Providers[i])
		}
	}
	slices.SortStableFunc(found, func(a, b *Provider) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(len(b.Networks), len(a.Networks)))
	})
	for _, p := range found {
		for _, a := range p.Access {
			a.Provider, a.Network = p.Name, n
			list = append(list, a)
		}
	}
	return distinct(list)
}

// distinct drops what would be tried the same way twice.
func distinct(list []Access) (out []Access) {
	for _, a := range list {
		if !slices.ContainsFunc(out, func(b Access) bool {
			return strings.EqualFold(a.APN, b.APN) && a.Login == b.Login && a.User == b.User && a.Password == b.Password
		}) {
			out = append(out, a)
		}
	}
	return out
}

// Limits on the size of a table; the largest known table reaches a tenth of them.
const (
	maxProviders = 10_000
	maxNetworks  = 1_000 // of one provider
	maxAccess    = 200   // of one provider
	maxName      = 80    // octets
	maxAPN       = 100   // octets (3GPP TS 23.003 section 9.1)
	maxLogin     = 64    // octets of a user name or a password
)

// add takes a provider if it can be of use. What is not fit to go to a modem or a terminal is left out.
func (t *Table) add(p Provider) {
	p.Name = cleanName(p.Name)
	p.Networks = slices.DeleteFunc(p.Networks, func(n Network) bool { return !n.valid() })
	p.Access = slices.DeleteFunc(p.Access, func(a Access) bool { return !a.valid() })
	p.Networks = p.Networks[:min(len(p.Networks), maxNetworks)]
	p.Access = p.Access[:min(len(p.Access), maxAccess)]
	if len(p.Networks) > 0 && len(p.Access) > 0 && len(t.Providers) < maxProviders {
		t.Providers = append(t.Providers, p)
	}
}

func (n Network) valid() bool {
	return len(n.MCC) == 3 && (len(n.MNC) == 2 || len(n.MNC) == 3) && strings.Trim(n.MCC+n.MNC, "0123456789") == ""
}

// valid holds an access point to what can stand in an AT command and in a line of the compact form.
func (a *Access) valid() bool {
	switch {
	case a.APN == "", len(a.APN) > maxAPN, strings.ContainsAny(a.APN, ` ",;\`), !printable(a.APN),
		len(a.User) > maxLogin, len(a.Password) > maxLogin, !printable(a.User), !printable(a.Password),
		a.Method != "" && a.Method != "pap" && a.Method != "chap",
		!a.Login && a.User+a.Password+a.Method != "":
		return false
	}
	return true
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
