package quirks

import (
	"strings"
	"testing"

	"github.com/knakppp/knak"
)

// A plugin's settings stand between the system's files and the user's, key by key, with reason and origin.
func TestResolveAdvised(t *testing.T) {
	db, problems := Open(Sources{Builtin: knak.Files})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	facts := Facts{USB: "12d1:1506", Manufacturer: "huawei", Model: "E398"}
	plain, err := db.Resolve(facts, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		advised []Advised
		set     []string
		key     string
		want    string
		layer   Layer
		source  string
		refused string
	}{
		{"beats a profile", []Advised{{"auth.user", "web", "the carrier says so", "plugin acme"}}, nil, "auth.user", "web", Plugin, "plugin acme", ""},
		{"a later one beats an earlier one", []Advised{{"auth.user", "a", "r", "plugin a"}, {"auth.user", "b", "r", "plugin b"}}, nil,
			"auth.user", "b", Plugin, "plugin b", ""},
		{"--set beats it", []Advised{{"auth.user", "web", "r", "plugin acme"}}, []string{"auth.user=me"}, "auth.user", "me", CommandLine, "--set", ""},
		{"adds to a list", []Advised{{"ipcp.request-", "nbns2", "r", "plugin acme"}}, nil, "ipcp.request", "address,dns1,dns2,nbns1", Plugin, "plugin acme", ""},
		{"no commands", []Advised{{"at.init", "AT+CFUN=0", "r", "plugin acme"}}, nil, "at.init", "", plain.Setting("at.init").Layer, plain.Setting("at.init").Source, "AT commands"},
		{"too late", []Advised{{"port.baud", "9600", "r", "plugin acme"}}, nil, "port.baud", "115200", Default, "", "too late"},
		{"no such key", []Advised{{"ipcp.reqest", "x", "r", "plugin acme"}}, nil, "ipcp.request", "", Builtin, plain.Setting("ipcp.request").Source, "ipcp.reqest"},
		{"out of range", []Advised{{"lcp.mru", "-1", "r", "plugin acme"}}, nil, "lcp.mru", "", Default, "", "lcp.mru"},
		{"without a reason", []Advised{{"auth.user", "web", "", "plugin acme"}}, nil, "auth.user", "", Builtin, plain.Setting("auth.user").Source, "reason"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, refused, err := db.ResolveAdvised(facts, "", tt.advised, tt.set)
			if err != nil {
				t.Fatal(err)
			}
			s := r.Setting(tt.key)
			want := tt.want
			if want == "" {
				want = plain.Setting(tt.key).Value.String()
			}
			if s.Value.String() != want || s.Layer != tt.layer || s.Source != tt.source {
				t.Errorf("%s is %q by %s %q, want %q by %s %q", tt.key, s.Value, s.Layer, s.Source, want, tt.layer, tt.source)
			}
			why := ""
			for _, p := range refused {
				why += p.Error()
			}
			if (why == "") != (tt.refused == "") || !strings.Contains(why, tt.refused) || why != "" && !strings.Contains(why, "plugin acme") {
				t.Errorf("refused %q, want something about %q", why, tt.refused)
			}
		})
	}
}
