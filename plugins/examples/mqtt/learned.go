package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/knakppp/knak/plugins/sdk"
)

// lesson holds the settings that one gateway of a fleet has found for a modem: with them a link came up and was proved, after
// others had failed. It is a retained message at PREFIX/learned/VENDOR/MODEL/FIRMWARE. The fleet's key signs it, as it signs
// orders.
type lesson struct {
	Vendor   string        `json:"vendor"`
	Model    string        `json:"model"`
	Firmware string        `json:"firmware"`
	Settings []sdk.Setting `json:"settings"`
	Site     string        `json:"site"` // who found it out
	Time     string        `json:"time"` // RFC 3339
	MAC      string        `json:"mac"`  // HMAC-SHA-256 (RFC 2104) in hex digits of signed()
}

// signed is the text that is signed. Its first line keeps it apart from orders.
func (l *lesson) signed() []byte {
	text := fmt.Appendf(nil, "learned\n%s\n%s\n%s\n%s\n%s\n", l.Vendor, l.Model, l.Firmware, l.Site, l.Time)
	for _, s := range l.Settings {
		text = fmt.Appendf(text, "%s=%s\n%s\n", s.Key, s.Value, s.Reason)
	}
	return text
}

func (l *lesson) sign(key []byte) string {
	h := hmac.New(sha256.New, key)
	h.Write(l.signed())
	return hex.EncodeToString(h.Sum(nil))
}

// modem is the modem that a lesson is about. Another firmware may behave differently.
type modem struct{ vendor, model, firmware string }

// topic names the modem, with nothing in it that a topic cannot hold.
func (m modem) topic(prefix string) string {
	level := func(s string) string {
		s = strings.Map(func(r rune) rune {
			if r <= ' ' || strings.ContainsRune("/+#", r) {
				return '_'
			}
			return r
		}, s)
		if s == "" {
			return "_"
		}
		return s
	}
	return prefix + "/learned/" + level(m.vendor) + "/" + level(m.model) + "/" + level(m.firmware)
}

// Bounds on the memory that a broker can fill.
const (
	lessonsKept  = 256
	lessonOctets = 8 << 10
	lessonLimit  = 32 // settings
)

// school keeps the lessons of the fleet and notes those of this gateway.
type school struct {
	key    []byte
	site   string
	prefix string
	now    func() time.Time

	mu      sync.Mutex
	lessons map[modem]lesson
	failed  map[modem]bool   // what the fleet says did not help here
	calls   map[string]*call // by the link's name
}

// call holds the facts about a link's attempt.
type call struct {
	modem   modem
	learned []sdk.Setting // those of the attempt that this gateway has found by experiment
	offered bool          // the fleet's were offered in it
}

func newSchool(key []byte, prefix, site string) *school {
	return &school{key: key, site: site, prefix: prefix, now: time.Now, lessons: map[modem]lesson{}, failed: map[modem]bool{}, calls: map[string]*call{}}
}

// shared says whether a setting is passed on: what concerns the modem's PPP. Commands are each gateway's own to try, and a name may
// be a subscriber's.
func shared(s sdk.Setting) bool {
	if s.Key == "auth.user" {
		return s.Value == ""
	}
	for _, prefix := range []string{"lcp.", "ipcp.", "ipv6cp.", "auth."} {
		if strings.HasPrefix(s.Key, prefix) {
			return true
		}
	}
	return s.Key == "dial.connect_delay" || s.Key == "registration.require"
}

// take keeps what another gateway has found out. Its errors hold nothing that the sender wrote.
func (c *school) take(text []byte) error {
	var l lesson
	switch err := json.Unmarshal(text, &l); {
	case len(text) > lessonOctets:
		return errors.New("it is too long")
	case err != nil:
		return errors.New("it is no JSON object with vendor, model, firmware, settings, site, time and mac")
	case !hmac.Equal([]byte(l.sign(c.key)), []byte(l.MAC)):
		return errors.New("its signature is wrong")
	case l.Model == "" || len(l.Settings) == 0 || len(l.Settings) > lessonLimit:
		return errors.New("it names no modem, or no settings, or too many")
	}
	for _, s := range l.Settings {
		if !shared(s) || s.Reason == "" || strings.ContainsFunc(s.Key+s.Value+s.Reason, func(r rune) bool { return r < ' ' }) {
			return errors.New("it holds a setting that is not passed on")
		}
	}
	at, err := time.Parse(time.RFC3339, l.Time)
	if err != nil || at.After(c.now().Add(window)) {
		return errors.New("its time is not RFC 3339, or still to come")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := modem{l.Vendor, l.Model, l.Firmware}
	if old, ok := c.lessons[m]; !ok && len(c.lessons) >= lessonsKept {
		return errors.New("too many modems")
	} else if ok && old.Time > l.Time {
		return nil
	}
	if !slices.Equal(c.lessons[m].Settings, l.Settings) {
		delete(c.failed, m) // other settings may help
	}
	c.lessons[m] = l
	return nil
}

// offer gives what the fleet knows of a modem: in the first attempt only, and not again where it did not help.
func (c *school) offer(link sdk.Link, d sdk.Device) []sdk.Setting {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := modem{d.Vendor, d.Model, d.Firmware}
	now := &call{modem: m}
	if before := c.calls[link.Name]; before != nil && before.offered && link.Attempt > 1 {
		c.failed[m] = true
	}
	c.calls[link.Name] = now
	l, ok := c.lessons[m]
	if !ok || c.failed[m] {
		return nil
	}
	now.offered = true
	var list []sdk.Setting
	for _, s := range l.Settings {
		s.Reason += " (learned by " + l.Site + " of this fleet)"
		list = append(list, s)
	}
	return list
}

// hear follows a link, and gives what is to be published once what was learned has led to a link that was proved.
func (c *school) hear(n sdk.Notice) (m message, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.calls[n.Link.Name]
	if now == nil {
		return m, false
	}
	switch {
	case n.Kind == "quirk":
		var q struct{ Key, Value, Source, Reason string }
		if json.Unmarshal([]byte(n.JSON), &q) == nil && strings.HasPrefix(q.Source, "learned ") && !strings.HasSuffix(q.Source, "knak learn") {
			s := sdk.Setting{Key: q.Key, Value: q.Value, Reason: q.Reason}
			now.learned = append(slices.DeleteFunc(now.learned, func(o sdk.Setting) bool { return o.Key == s.Key }), s)
		}
	case n.Kind == "attempt":
		now.learned = nil
	case n.Kind == "up":
		up, _ := n.Event.(sdk.Up)
		list := slices.DeleteFunc(slices.Clone(now.learned), func(s sdk.Setting) bool { return !shared(s) })
		if now.offered = false; !up.Proved || len(list) == 0 || now.modem.model == "" {
			return m, false
		}
		l := lesson{Vendor: now.modem.vendor, Model: now.modem.model, Firmware: now.modem.firmware, Settings: list, Site: c.site, Time: c.now().UTC().Format(time.RFC3339)}
		if known := c.lessons[now.modem]; slices.Equal(known.Settings, l.Settings) {
			return m, false // the fleet knows
		}
		l.MAC = l.sign(c.key)
		payload, err := json.Marshal(l)
		if err != nil {
			return m, false
		}
		return message{topic: now.modem.topic(c.prefix), absolute: true, payload: payload, retained: true}, true
	}
	return m, false
}

// learn keeps what the fleet says until there is nothing more.
func (p *plugin) learn(lessons <-chan []byte) {
	for text := range lessons {
		if len(text) == 0 {
			continue // it was taken back
		}
		if err := p.school.take(text); err != nil {
			slog.Warn("what a fleet has learned was not taken", "reason", err.Error())
		}
	}
}
