package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

type server2 struct {
	Host string     `json:"host" required:"true" doc:"where it is"`
	Port uint16     `json:"port"`
	Addr netip.Addr `json:"addr"`
}

type config struct {
	User    string            `json:"user"`
	Wait    time.Duration     `json:"wait"`
	Level   string            `json:"level" enum:"low,high"`
	Retries int8              `json:"retries"`
	Ratio   float64           `json:"ratio"`
	On      bool              `json:"on"`
	Servers []server2         `json:"servers"`
	Names   map[string]string `json:"names"`
	Any     any               `json:"any"`
	Maybe   *int              `json:"maybe"`
	Hidden  string            `json:"-"`
	private string            //nolint:unused // that it is no key is tested
}

func TestDecode(t *testing.T) {
	for _, tt := range []struct{ text, want, wrong string }{
		{``, `{User:default Wait:1s Level: Retries:0 Ratio:0 On:false Servers:[] Names:map[] Any:<nil> Maybe:<nil> Hidden: private:}`, ""},
		{`{"user":"me","wait":"3s","level":"high","retries":-3,"ratio":0.5,"on":true,"servers":[{"host":"a","port":1883,"addr":"::1"}],"names":{"a":"b"},"any":[1]}`,
			`{User:me Wait:3s Level:high Retries:-3 Ratio:0.5 On:true Servers:[{Host:a Port:1883 Addr:::1}] Names:map[a:b] Any:[1] Maybe:<nil> Hidden: private:}`, ""},
		{`{"USER":"a configuration file's keys have lost their case"}`, "User:a configuration file's keys", ""},
		{`{"usr":"me"}`, "", "usr: there is no such key; the keys are user, wait, "},
		{`{"servers":[{"host":"a"},{"hots":"b"}]}`, "", "servers.1.hots: there is no such key"},
		{`{"servers":[{"port":1}]}`, "", "servers.0.host: this key is required"},
		{`{"servers":[{"host":"a","port":70000}]}`, "", "servers.0.port: a whole number from 0 is wanted, of 16 bits"},
		{`{"servers":[{"host":"a","addr":"sesame"}]}`, "", "servers.0.addr: this is no netip.Addr"},
		{`{"servers":{}}`, "", "servers: a list is wanted, and this is a table"},
		{`{"names":{"a":1}}`, "", "names.a: a text is wanted, and this is a number"},
		{`{"user":["sesame"]}`, "", "user: a text is wanted, and this is a list"},
		{`{"wait":"sesame"}`, "", `wait: a duration is wanted, such as "3s"`},
		{`{"wait":3}`, "", "wait: a duration is wanted"},
		{`{"level":"sesame"}`, "", "level: it must be one of low, high"},
		{`{"retries":300}`, "", "retries: a whole number is wanted, of 8 bits"},
		{`{"retries":1.5}`, "", "retries: a whole number is wanted"},
		{`{"on":"sesame"}`, "", "on: true or false is wanted, and this is a text"},
		{`{"ratio":1e999}`, "", "ratio: the number is too large"},
		{`{"hidden":"x"}`, "", "hidden: there is no such key"},
		{`{"private":"x"}`, "", "private: there is no such key"},
		{`[]`, "", "a table is wanted, and this is a list"},
		{`{"user":"sesame"`, "", "not JSON"},
		{`{} {}`, "", "text after"},
	} {
		c := config{User: "default", Wait: time.Second}
		err := decode(tt.text, &c)
		switch {
		case tt.wrong != "":
			if err == nil || !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("%s: %v, want %q", tt.text, err, tt.wrong)
			} else if strings.Contains(err.Error(), "sesame") {
				t.Errorf("%s: the error shows a value, which may be a secret: %v", tt.text, err)
			}
		case err != nil:
			t.Errorf("%s: %v", tt.text, err)
		default:
			if got := fmt.Sprintf("%+v", c); !strings.Contains(got, tt.want) {
				t.Errorf("%s: %s, want %s", tt.text, got, tt.want)
			}
		}
	}
	for _, v := range []any{nil, config{}, (*config)(nil), new(int)} {
		if decode("{}", v) == nil {
			t.Errorf("decoding into %T", v)
		}
	}
	var key *KeyError
	if err := decode(`{"servers":[{"port":1}]}`, &config{}); !errors.As(err, &key) || key.Key != "servers.0.host" {
		t.Errorf("the key: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"user":"me","wait":"3s","servers":[{"host":"a","port":1}],"any":{"a":[null]},"maybe":1}`)
	f.Add(`{"names":{"":""},"retries":-0}`)
	f.Fuzz(func(t *testing.T, text string) {
		var c config
		if err := decode(text, &c); err != nil {
			return
		}
		for _, s := range c.Servers {
			if s.Host == "" && !strings.Contains(strings.ToLower(text), `"host"`) {
				t.Errorf("%s: a needed key is not there", text)
			}
		}
	})
}

func TestSchema(t *testing.T) {
	text, err := schemaOf(&config{})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"$schema":"https://json-schema.org/draft/2020-12/schema","additionalProperties":false,"properties":{` +
		`"any":{},"level":{"enum":["low","high"],"type":"string"},"maybe":{"type":"integer"},` +
		`"names":{"additionalProperties":{"type":"string"},"type":"object"},"on":{"type":"boolean"},"ratio":{"type":"number"},` +
		`"retries":{"type":"integer"},"servers":{"items":{"additionalProperties":false,"properties":{` +
		`"addr":{"type":"string"},"host":{"description":"where it is","type":"string"},"port":{"minimum":0,"type":"integer"}},` +
		`"required":["host"],"type":"object"},"type":"array"},"user":{"type":"string"},` +
		`"wait":{"pattern":"^-?([0-9]+(\\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$","type":"string"}},"type":"object"}`
	if text != want || !json.Valid([]byte(text)) {
		t.Errorf("%s\nwant %s", text, want)
	}
	if _, err := schemaOf(3); err == nil {
		t.Error("a schema of a number")
	}
}
