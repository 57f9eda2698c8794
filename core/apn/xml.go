package apn

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Path is the file of the package mobile-broadband-provider-info on Debian and other distributions.
const Path = "/usr/share/mobile-broadband-provider-info/serviceproviders.xml"

// Installed is Path on systems that have such a package, and "" on others: on Windows every user could make that file.
func Installed() string {
	if runtime.GOOS == "windows" {
		return ""
	}
	return Path
}

// maxXML is the greatest number of octets of the file; the largest known has 370 kB.
const maxXML = 8 << 20

// The parts of serviceproviders.2.dtd that matter for a data call. CDMA providers have no IMSI to be found by.
type (
	xmlProvider struct {
		Names   []string `xml:"name"`
		Primary string   `xml:"primary,attr"`
		GSM     []xmlGSM `xml:"gsm"`
	}
	xmlGSM struct {
		Networks []struct {
			MCC string `xml:"mcc,attr"`
			MNC string `xml:"mnc,attr"`
		} `xml:"network-id"`
		GID1 []struct{} `xml:"gid1"`
		APN  []xmlAPN   `xml:"apn"`
	}
	xmlAPN struct {
		Value string `xml:"value,attr"`
		Usage []struct {
			Type string `xml:"type,attr"`
		} `xml:"usage"`
		User     *string `xml:"username"`
		Password *string `xml:"password"`
		Auth     *struct {
			Method string `xml:"method,attr"`
		} `xml:"authentication"`
	}
)

// ReadXML reads a serviceproviders.xml, format 2.0. source becomes Table.Source.
func ReadXML(r io.Reader, source string) (*Table, error) {
	t := &Table{Source: source}
	limited := &io.LimitedReader{R: r, N: maxXML + 1}
	d := xml.NewDecoder(limited)
	rooted := false
	for {
		token, err := d.Token()
		switch {
		case limited.N <= 0:
			return nil, fmt.Errorf("provider table: longer than %d octets", maxXML)
		case errors.Is(err, io.EOF) && rooted:
			return t, nil
		case err != nil:
			return nil, fmt.Errorf("provider table: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "serviceproviders":
			rooted = true
			for _, a := range start.Attr {
				if a.Name.Local == "format" && !strings.HasPrefix(a.Value, "2.") {
					return nil, fmt.Errorf("provider table: format %.10q is not known; this program reads 2.0", a.Value)
				}
			}
		case "provider":
			var p xmlProvider
			if err := d.DecodeElement(&p, &start); err != nil {
				return nil, fmt.Errorf("provider table: %w", err)
			}
			t.addXML(&p)
		default:
			if !rooted {
				return nil, fmt.Errorf("provider table: begins with <%.20s>, not with <serviceproviders>", start.Name.Local)
			}
		}
	}
}

// ReadXMLFor reads the networks of one country (by its MCC) from a serviceproviders.xml. For a SIM of that country this Table has
// the same answers as the whole one. Decoding the whole XML would take half the time of a dial.
func ReadXMLFor(mcc string, r io.Reader, source string) (*Table, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxXML+1))
	if err != nil {
		return nil, fmt.Errorf("provider table: %w", err)
	}
	if len(text) <= maxXML {
		if t, err := ReadXML(bytes.NewReader(without(mcc, text)), source); err == nil {
			return t, nil
		}
		// It is broken, or what was left out was no element: a comment can hold anything.
	}
	return ReadXML(bytes.NewReader(text), source)
}

// without drops the provider elements that cannot name a network of that MCC: its digits are not in them, nor a character
// reference that could stand for one.
func without(mcc string, text []byte) []byte {
	const begin, end = "<provider", "</provider>"
	kept := make([]byte, 0, len(text)/16)
	for {
		from := bytes.Index(text, []byte(begin))
		if from < 0 {
			return append(kept, text...)
		}
		length := bytes.Index(text[from:], []byte(end))
		if length < 0 {
			return append(kept, text...)
		}
		to := from + length + len(end)
		kept = append(kept, text[:from]...)
		if p := text[from:to]; bytes.Contains(p, []byte(mcc)) || bytes.Contains(p, []byte("&#")) {
			kept = append(kept, p...)
		}
		text = text[to:]
	}
}

func (t *Table) addXML(x *xmlProvider) {
	p := Provider{Rank: Unsaid}
	if len(x.Names) > 0 {
		p.Name = x.Names[0]
	}
	switch x.Primary {
	case "true":
		p.Rank = Primary
	case "false":
		p.Rank = Virtual
	}
	var other []Access // without a use: behind those that are for the internet
	for _, g := range x.GSM {
		for _, n := range g.Networks {
			p.Networks = append(p.Networks, Network{n.MCC, n.MNC})
		}
		if len(g.GID1) > 0 && p.Rank == Unsaid {
			p.Rank = Virtual
		}
		for i := range g.APN {
			a, internet, ok := g.APN[i].access()
			switch {
			case ok && internet:
				p.Access = append(p.Access, a)
			case ok:
				other = append(other, a)
			}
		}
	}
	p.Access = append(p.Access, other...)
	t.add(p)
}

// access gives an entry that is good for a data call. Those for picture messages, for WAP and for attaching alone are
// not. internet says that the table recommends it for nothing else.
func (x *xmlAPN) access() (a Access, internet, ok bool) {
	ok = len(x.Usage) == 0
	for _, u := range x.Usage {
		internet = internet || u.Type == "internet"
		ok = ok || strings.Contains(u.Type, "internet")
	}
	a = Access{APN: strings.TrimSpace(x.Value)}
	if x.User != nil || x.Password != nil || x.Auth != nil {
		a.Login = true
		if x.User != nil {
			a.User = strings.TrimSpace(*x.User)
		}
		if x.Password != nil {
			a.Password = strings.TrimSpace(*x.Password)
		}
		if x.Auth != nil && (x.Auth.Method == "pap" || x.Auth.Method == "chap") {
			a.Method = x.Auth.Method
		}
	}
	return a, internet, ok
}

// cleanName makes a provider's name fit for one line on a terminal.
func cleanName(s string) string {
	s = strings.Join(strings.Fields(strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsPrint(c) || c == utf8.RuneError:
			return -1
		}
		return c
	}, s)), " ")
	for len(s) > maxName {
		_, n := utf8.DecodeLastRuneInString(s)
		s = strings.TrimSpace(s[:len(s)-n])
	}
	return s
}
