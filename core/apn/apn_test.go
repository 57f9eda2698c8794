package apn

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

func testTable(t testing.TB) *Table {
	t.Helper()
	f, err := os.Open("testdata/providers.xml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table, err := ReadXML(f, "test")
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func show(list []Access) string {
	var words []string
	for _, a := range list {
		words = append(words, a.APN)
	}
	return strings.Join(words, " ")
}

// IMSI: MCC of three digits, MNC of two or three (ITU-T E.212, 3GPP TS 23.003 section 2.2).
func TestLookup(t *testing.T) {
	table := testTable(t)
	for _, tt := range []struct {
		name   string
		digits string
		mnc    int
		want   string
		unsure bool
	}{
		{"more networks first, marked virtual and group last; internet before unsaid; no mms, wap, ia; none twice",
			"001010", 0, "internet.example spaced.example unsaid.example all.example borrower.example virtual.example group.example", false},
		{"the owner that the table marks beats the one with more networks", "001039", 0, "marked.example many.example", false},
		{"a country of two digits where three match as well", "001031", 0, "marked.example many.example", true},
		{"the SIM says two", "001031", 2, "marked.example many.example", false},
		{"the SIM says three", "001031", 3, "many.example", false},
		{"a country of three digits", "999990", 0, "three.example two.example", true},
		{"there, two where three match none", "999995", 0, "two.example", false},
		{"the SIM says three, and that network is not known", "999995", 3, "", false},
		{"01 is not 001", "001001", 3, "", false},
		{"unknown country", "123456", 0, "", false},
		{"too short", "00101", 0, "", false},
		{"no digits", "0010a0", 0, "", false},
	} {
		list, unsure := table.Lookup(tt.digits, tt.mnc)
		if show(list) != tt.want || unsure != tt.unsure {
			t.Errorf("%s: %s %v, want %s %v", tt.name, show(list), unsure, tt.want, tt.unsure)
		}
	}
}

func TestCredentials(t *testing.T) {
	list, _ := testTable(t).Lookup("001010", 0)
	want := Access{"Owner of two", Network{"001", "01"}, "internet.example", true, "user@example", "pass word", "pap"}
	if len(list) == 0 || list[0] != want {
		t.Fatalf("%+v, want %+v", list, want)
	}
	byAPN := map[string]Access{}
	for _, a := range list {
		byAPN[a.APN] = a
	}
	if a := byAPN["spaced.example"]; !a.Login || a.User != "" || a.Password != "only" {
		t.Errorf("a password without a name: %+v", a)
	}
	if a := byAPN["borrower.example"]; a.Login || a.Provider != "Borrower" {
		t.Errorf("nothing said of credentials: %+v", a)
	}
}

func TestCompactSaysTheSame(t *testing.T) {
	table := testTable(t)
	text := string(table.AppendCompact(nil))
	again, err := ReadCompact(text)
	if err != nil {
		t.Fatal(err)
	}
	if second := string(again.AppendCompact(nil)); second != text || len(again.Providers) != len(table.Providers) {
		t.Errorf("written again:\n%s\nwant\n%s", second, text)
	}
	for _, digits := range []string{"001010", "001031", "999990"} {
		a, _ := table.Lookup(digits, 0)
		b, _ := again.Lookup(digits, 0)
		if show(a) != show(b) || len(a) > 0 && a[0] != b[0] {
			t.Errorf("%s: %+v and %+v", digits, a, b)
		}
	}
}

func TestBroken(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "EOF"},
		{"<serviceproviders format='2.0'>", "EOF"},
		{"<apns/>", "begins with <apns>"},
		{"<serviceproviders format='3.0'/>", "format \"3.0\""},
		{"<serviceproviders><provider></serviceproviders>", "syntax"},
		{"<serviceproviders>" + strings.Repeat(" ", maxXML), "longer"},
	} {
		if _, err := ReadXML(strings.NewReader(tt.text), "x"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.40q: %v, want %q", tt.text, err, tt.want)
		}
	}
	for _, tt := range []struct{ text, want string }{
		{"", "does not begin"},
		{"knak-apn 2\n", "does not begin"},
		{compactHead + "P\tx\n", "line 2"},
		{compactHead + "A\tx\n", "line 2"},
		{compactHead + "\nP\tx\t?\t00101\n", "line 3"},
		{compactHead + "P\tx\t\t001\n", "no network"},
	} {
		if _, err := ReadCompact(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.want)
		}
	}
}

// The copy that is compiled in is small, whole and fresh from the generator, and finds what it should.
func TestEmbedded(t *testing.T) {
	if n := len(embedded); n < 20_000 || n > 120_000 {
		t.Errorf("%d octets; wanted are less than 120 kB, and not an empty table", n)
	}
	table, err := Embedded("")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(table.Source, "mobile-broadband-provider-info 20") || len(table.Providers) < 500 {
		t.Errorf("source %q, %d providers", table.Source, len(table.Providers))
	}
	var lines []string
	for _, l := range strings.SplitAfter(embedded, "\n") {
		if !strings.HasPrefix(l, "#") {
			lines = append(lines, l)
		}
	}
	if got := string(table.AppendCompact(nil)); got != strings.Join(lines, "") {
		t.Error("the table is not what the generator writes: make apn")
	}
	for _, tt := range []struct {
		digits, apn, provider string
		login                 bool
		user                  string
	}{
		{"232010", "A1.net", "A1/Telekom Austria", true, "ppp@a1plus.at"},
		{"310260", "fast.t-mobile.com", "T-Mobile", false, ""},   // three digits
		{"310410", "nxtgenphone", "AT&T", false, ""},             // AT&T's many networks beat those who borrow one
		{"262030", "internet.eplus.de", "E-Plus", true, "eplus"}, // marked, with three virtual ones
		{"724160", "gprs.oi.com.br", "Oi", true, ""},             // a password without a user name
		{"722341", "gprs.personal.com", "Personal", true, ""},    // 34 and 341
		{"208264", "fnetnrj", "Simplus", false, ""},              // 26 and 260, a country of two digits
		{"260020", "internet", "T-Mobile", false, ""},            // marked as owner
		{"440100", "mopera.ne.jp", "NTTdocomo", false, ""},       // marked, with names in other scripts around
	} {
		list, _ := table.Lookup(tt.digits, 0)
		if len(list) == 0 {
			t.Errorf("%s: nothing", tt.digits)
			continue
		}
		a := list[0]
		if !strings.EqualFold(a.APN, tt.apn) || a.Provider != tt.provider {
			t.Errorf("%s: %q of %q, want %q of %q (all: %s)", tt.digits, a.APN, a.Provider, tt.apn, tt.provider, show(list))
		}
		if tt.login != a.Login || tt.user != "" && tt.user != a.User {
			t.Errorf("%s: login %v as %q", tt.digits, a.Login, a.User)
		}
	}
}

// For the SIMs of a country its part of the copy that is compiled in says what the whole says, and not all providers are read.
func TestEmbeddedCountry(t *testing.T) {
	whole, err := Embedded("")
	if err != nil {
		t.Fatal(err)
	}
	countries := map[string]*Table{}
	for _, p := range whole.Providers {
		for _, n := range p.Networks {
			if countries[n.MCC] == nil {
				if countries[n.MCC], err = Embedded(n.MCC); err != nil {
					t.Fatal(err)
				}
			}
			part := countries[n.MCC]
			if part.Source != whole.Source || len(part.Providers) > len(whole.Providers)/5 {
				t.Fatalf("%s: %d providers of %q", n.MCC, len(part.Providers), part.Source)
			}
			for _, length := range []int{0, 2, 3} {
				digits := (n.MCC + n.MNC + "0")[:6]
				want, unsure := whole.Lookup(digits, length)
				got, doubt := part.Lookup(digits, length)
				if len(want) == 0 && length == len(n.MNC) || !reflect.DeepEqual(got, want) || doubt != unsure {
					t.Errorf("%s, %d: %v %v, want %v %v", digits, length, got, doubt, want, unsure)
				}
			}
		}
	}
	if none, err := Embedded("999"); err != nil || len(none.Providers) != 0 {
		t.Errorf("%+v, %v", none, err)
	}
}

// For the SIMs of a country its part of the file says what the whole says.
func TestOneCountrySaysTheSame(t *testing.T) {
	b, err := os.ReadFile("testdata/providers.xml")
	if err != nil {
		t.Fatal(err)
	}
	provider := func(s string) string {
		return "<provider><name>x</name><gsm>" + s + "<apn value='a'/></gsm></provider>"
	}
	root := func(s string) string { return "<serviceproviders format='2.0'>" + s + "</serviceproviders>" }
	for _, text := range []string{
		string(b),
		root(provider("<network-id mcc='00&#49;' mnc='01'/>") + provider("<network-id mcc='002' mnc='01'/>")),
		root("<!-- <provider> -->" + provider("<network-id mcc='001' mnc='01'/>") + provider("<network-id mcc='002' mnc='01'/>")),
		root("<!-- <provider> -->" + provider("<network-id mcc='002' mnc='01'/>") + provider("<network-id mcc='001' mnc='01'/>")),
		root("<!-- " + provider("<network-id mcc='001' mnc='01'/>") + " -->"),
		root("<!-- </provider> -->" + provider("<network-id mcc='001' mnc='01'/>")),
	} {
		whole, err := ReadXML(strings.NewReader(text), "test")
		if err != nil {
			t.Fatal(err)
		}
		for _, digits := range []string{"001010", "001001", "002010", "002001", "999990", "310410"} {
			part, err := ReadXMLFor(digits[:3], strings.NewReader(text), "test")
			if err != nil {
				t.Fatal(err)
			}
			for _, length := range []int{0, 2, 3} {
				want, unsure := whole.Lookup(digits, length)
				got, doubt := part.Lookup(digits, length)
				if !reflect.DeepEqual(got, want) || doubt != unsure {
					t.Errorf("%.80q, %s, %d: %v %v, want %v %v", text, digits, length, got, doubt, want, unsure)
				}
			}
		}
	}
	for _, bad := range []string{"", root("<provider>"), root(strings.Repeat(" ", maxXML))} {
		if _, err := ReadXMLFor("001", strings.NewReader(bad), "x"); err == nil {
			t.Errorf("%.40q is read", bad)
		}
	}
}

func FuzzReadXML(f *testing.F) {
	b, err := os.ReadFile("testdata/providers.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("<serviceproviders format='2.0'><provider><name>\x1b[0m</name><gsm><network-id mcc='001' mnc='01'/><apn value='a&#10;b'/></gsm></provider></serviceproviders>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := ReadXML(strings.NewReader(string(b)), "fuzz")
		if err != nil {
			return
		}
		checkTable(t, table)
	})
}

func FuzzReadCompact(f *testing.F) {
	f.Add(compactHead + "S\tx\nP\tn\t+\t00101 001001\nA\tapn\tu\tp\tpap\nA\tb\t\nA\tc\n")
	f.Add(embedded[:2000])
	f.Fuzz(func(t *testing.T, text string) {
		table, err := ReadCompact(text)
		if err != nil {
			return
		}
		checkTable(t, table)
	})
}

// checkTable holds a table to what may go to a modem and a terminal, and to its own written form.
func checkTable(t *testing.T, table *Table) {
	t.Helper()
	for _, p := range table.Providers {
		if p.Name != cleanName(p.Name) || len(p.Name) > maxName {
			t.Fatalf("name %q", p.Name)
		}
		for _, a := range p.Access {
			if strings.ContainsAny(a.APN+a.User+a.Password, "\r\n\t\x1b\x00") || strings.ContainsAny(a.APN, `",;\ `) {
				t.Fatalf("%+v", a)
			}
		}
		for _, n := range p.Networks {
			table.Lookup((n.MCC + n.MNC + "0")[:6], 0)
		}
	}
	text := string(table.AppendCompact(nil))
	again, err := ReadCompact(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if second := string(again.AppendCompact(nil)); second != text {
		t.Fatalf("%q\n%q", text, second)
	}
}

func BenchmarkEmbeddedLookup(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		table, err := Embedded("262")
		if err != nil {
			b.Fatal(err)
		}
		if list, _ := table.Lookup("262010", 0); len(list) == 0 {
			b.Fatal("nothing")
		}
	}
}

func BenchmarkReadXML(b *testing.B) {
	f, err := os.ReadFile("testdata/providers.xml")
	if err != nil {
		b.Fatal(err)
	}
	// As long as the real one: 154 countries.
	text := "<serviceproviders format=\"2.0\">" + strings.Repeat(string(f[strings.Index(string(f), "<country"):strings.LastIndex(string(f), "</serv")]), 100) + "</serviceproviders>"
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadXML(strings.NewReader(text), "bench"); err != nil {
			b.Fatal(err)
		}
	}
}
