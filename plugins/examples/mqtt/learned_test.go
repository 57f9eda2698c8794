package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/plugins/sdk"
)

const fleetKey = "a fleet key that is long enough"

func pupil(site string) *school {
	c := newSchool([]byte(fleetKey), "knak", site)
	c.now = func() time.Time { return at("2026-11-28T12:00:00Z") }
	return c
}

var oddModem = sdk.Device{Vendor: "acme/inc", Model: "M 1", Firmware: "1"}

// learns lets a gateway learn something of a modem by a dial, and gives what it publishes.
func learns(c *school, proved bool, source string, set ...string) (message, bool) {
	link := sdk.Link{Name: "default", Attempt: 1}
	c.offer(link, oddModem)
	for _, s := range set {
		key, value, _ := strings.Cut(s, "=")
		text, _ := json.Marshal(map[string]string{"event": "quirk", "key": key, "value": value, "source": source, "reason": "Found by experiment."})
		c.hear(sdk.Notice{Link: link, Kind: "quirk", JSON: string(text)})
	}
	return c.hear(sdk.Notice{Link: link, Kind: "up", Event: sdk.Up{Proved: proved}})
}

// What one gateway has learned and proved, another tries first; what does not help there is not tried again.
func TestAFleetLearns(t *testing.T) {
	first, second := pupil("station-7"), pupil("station-8")
	m, ok := learns(first, true, "learned /var/lib/knak/learned.json", "ipcp.request=address", "dial.number=*98#", "auth.user=5551234567")
	if !ok || !m.retained || !m.absolute || m.topic != "knak/learned/acme_inc/M_1/1" {
		t.Fatalf("%+v, %v", m, ok)
	}
	if strings.Contains(string(m.payload), "5551234567") || strings.Contains(string(m.payload), "*98#") {
		t.Errorf("it says what is nobody's business: %s", m.payload)
	}
	if err := second.take(m.payload); err != nil {
		t.Fatal(err)
	}
	link := sdk.Link{Name: "lte", Attempt: 1}
	if list := second.offer(link, sdk.Device{Vendor: "acme/inc", Model: "M 1", Firmware: "2"}); len(list) != 0 {
		t.Errorf("another firmware got %v", list)
	}
	list := second.offer(link, oddModem)
	if len(list) != 1 || list[0].Key != "ipcp.request" || list[0].Value != "address" || !strings.Contains(list[0].Reason, "station-7") {
		t.Errorf("%+v", list)
	}
	link.Attempt = 2 // the first attempt failed with them
	if list := second.offer(link, oddModem); len(list) != 0 {
		t.Errorf("tried again: %v", list)
	}
	link.Attempt = 1
	if list := second.offer(link, oddModem); len(list) != 0 {
		t.Errorf("tried again in the next dial: %v", list)
	}
	if _, ok := learns(pupil("s"), false, "learned /var/lib/knak/learned.json", "ipcp.request=address"); ok {
		t.Error("what was not proved was passed on")
	}
	for _, source := range []string{"user /etc/knak", "learned knak learn", "plugin mqtt"} {
		if _, ok := learns(pupil("s"), true, source, "ipcp.request=address"); ok {
			t.Errorf("passed on what came from %s", source)
		}
	}
	if _, ok := learns(second, true, "learned /x", "ipcp.request=address"); ok {
		t.Log("it is published once more because another reason was given")
	}
}

// What is not signed by the fleet's key, or would set what no gateway may set for another, is not taken.
func TestLessonsAreChecked(t *testing.T) {
	good := lesson{Vendor: "a", Model: "m", Firmware: "1", Site: "s", Time: "2026-11-28T11:00:00Z",
		Settings: []sdk.Setting{{Key: "lcp.request", Value: "", Reason: "Found."}}}
	text := func(change func(*lesson), key string) []byte {
		l := good
		l.Settings = append([]sdk.Setting(nil), good.Settings...)
		change(&l)
		l.MAC = l.sign([]byte(key))
		b, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	same := func(*lesson) {}
	if err := pupil("x").take(text(same, fleetKey)); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"another key": text(same, "another key of that length"), "no JSON": []byte("{"), "tampered with": []byte(strings.Replace(string(text(same, fleetKey)), "lcp.request", "lcp.refuse", 1)),
		"a command":     text(func(l *lesson) { l.Settings[0].Key = "at.init+" }, fleetKey),
		"a name":        text(func(l *lesson) { l.Settings[0] = sdk.Setting{Key: "auth.user", Value: "me", Reason: "r"} }, fleetKey),
		"no settings":   text(func(l *lesson) { l.Settings = nil }, fleetKey),
		"a line more":   text(func(l *lesson) { l.Settings[0].Reason = "a\nb" }, fleetKey),
		"from tomorrow": text(func(l *lesson) { l.Time = "2026-11-29T11:00:00Z" }, fleetKey),
		"too long":      text(func(l *lesson) { l.Site = strings.Repeat("x", lessonOctets) }, fleetKey),
	} {
		if err := pupil("x").take(b); err == nil {
			t.Errorf("taken: %s", name)
		}
	}
	full := pupil("x")
	for i := range lessonsKept + 1 {
		err := full.take(text(func(l *lesson) { l.Model = strings.Repeat("m", i+1) }, fleetKey))
		if (err != nil) != (i == lessonsKept) {
			t.Fatalf("modem %d: %v", i, err)
		}
	}
}

// Over a real broker: what one gateway has learned reaches another, and a third that comes later.
func TestLessonsCrossTheBroker(t *testing.T) {
	address, ca := broker(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"password": "broker word\n", "fleet": fleetKey + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	gateway := func(site string) *plugin {
		p := &plugin{config: config{
			Broker: "mqtts://" + address, Site: site, User: "gateway", PasswordFile: filepath.Join(dir, "password"), CAFile: ca, FleetKeyFile: filepath.Join(dir, "fleet"),
		}}
		if err := p.Configure(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Close() })
		return p
	}
	hears := func(p *plugin) {
		t.Helper()
		for limit := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			a, err := p.Identify(context.Background(), sdk.Identify{Link: sdk.Link{Name: "x", Attempt: 1}, Device: oddModem})
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Settings) == 1 && a.Settings[0].Key == "ipcp.request" {
				return
			}
			if time.Now().After(limit) {
				t.Fatalf("%s hears nothing: %+v", p.config.Site, a)
			}
		}
	}
	first, second := gateway("station-7"), gateway("station-8")
	link := sdk.Link{Name: "lte", Attempt: 1}
	if _, err := first.Identify(context.Background(), sdk.Identify{Link: link, Device: oddModem}); err != nil {
		t.Fatal(err)
	}
	for _, n := range []sdk.Notice{
		{Link: link, Kind: "quirk", JSON: `{"event":"quirk","key":"ipcp.request","value":"address","source":"learned /var/lib/knak/learned.json","reason":"Found."}`},
		{Link: link, Kind: "up", JSON: `{"event":"up"}`, Event: sdk.Up{Proved: true}},
	} {
		if err := first.Notify(context.Background(), n); err != nil {
			t.Fatal(err)
		}
	}
	hears(second)
	hears(gateway("station-9"))
}
