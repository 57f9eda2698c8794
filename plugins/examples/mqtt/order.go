package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/knakppp/knak/plugins/sdk"
)

// order is a message of the fleet's console to PREFIX/SITE/order. The signature shows that the sender has the key, even if others
// may publish to the broker, and that the order is for this site, this link and this moment.
type order struct {
	Order  string `json:"order"` // "hangup" or "redial"
	Link   string `json:"link"`  // "" is all
	Time   string `json:"time"`  // RFC 3339
	Nonce  string `json:"nonce"` // anything that was not used before, at least 8 octets
	Reason string `json:"reason"`
	MAC    string `json:"mac"` // HMAC-SHA-256 (RFC 2104) in hex digits of signed()
}

// signed is the text that is signed: the fields that matter, each on a line of its own.
func (o *order) signed(site string) []byte {
	return fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%s\n%s\n", site, o.Order, o.Link, o.Time, o.Nonce, o.Reason)
}

func (o *order) sign(key []byte, site string) string {
	h := hmac.New(sha256.New, key)
	h.Write(o.signed(site))
	return hex.EncodeToString(h.Sum(nil))
}

// window is how old an order may be, and how far ahead the sender's clock.
const window = 2 * time.Minute

// nonceLimit is the greatest number of nonces that are remembered: the holder of the key may send so many orders in the window.
const nonceLimit = 1000

// verifier decides which orders are accepted.
type verifier struct {
	key  []byte
	site string
	now  func() time.Time
	used map[string]time.Time
}

func newVerifier(key []byte, site string) *verifier {
	return &verifier{key: key, site: site, now: time.Now, used: map[string]time.Time{}}
}

// order checks a message. Its errors hold nothing that the sender wrote.
func (v *verifier) order(text []byte) (sdk.Command, error) {
	var o order
	if err := json.Unmarshal(text, &o); err != nil {
		return sdk.Command{}, errors.New("it is no JSON object with order, link, time, nonce, reason and mac")
	}
	if !hmac.Equal([]byte(o.sign(v.key, v.site)), []byte(o.MAC)) {
		return sdk.Command{}, errors.New("its signature is wrong")
	}
	for _, s := range []string{o.Order, o.Link, o.Time, o.Nonce, o.Reason} {
		for _, c := range s {
			if c < ' ' {
				return sdk.Command{}, errors.New("it holds control characters")
			}
		}
	}
	at, err := time.Parse(time.RFC3339, o.Time)
	now := v.now()
	switch {
	case err != nil:
		return sdk.Command{}, errors.New("its time is not RFC 3339")
	case now.Sub(at) > window || at.Sub(now) > window:
		return sdk.Command{}, fmt.Errorf("its time is more than %v from this gateway's clock", window)
	case len(o.Nonce) < 8:
		return sdk.Command{}, errors.New("its nonce is shorter than 8 octets")
	}
	for n, until := range v.used {
		if now.After(until) {
			delete(v.used, n)
		}
	}
	if _, again := v.used[o.Nonce]; again {
		return sdk.Command{}, errors.New("it was given before")
	}
	if len(v.used) >= nonceLimit {
		return sdk.Command{}, errors.New("too many orders at once")
	}
	v.used[o.Nonce] = at.Add(2 * window)
	command := sdk.Command{Link: o.Link, Order: sdk.Order(o.Order), Reason: o.Reason}
	if command.Order != sdk.Hangup && command.Order != sdk.Redial {
		return sdk.Command{}, errors.New(`it is neither "hangup" nor "redial"`)
	}
	return command, nil
}
