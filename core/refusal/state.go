package refusal

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/knakppp/knak/core/modem"
)

// Bounds of a file.
const (
	maxFile  = 64 << 10
	maxCards = 32 // the cards that were changed longest ago are removed
	maxPINs  = 8  // for each card
	maxWrong = 100
)

// What may be known about a PIN.
const (
	isSent     = "sent" // it was sent, and the result is not known
	isRefused  = "refused"
	isAccepted = "accepted"
)

// state is the content of the file.
type state struct {
	Version int     `json:"version"`
	Salt    string  `json:"salt"` // hexadecimal, as the hashes are
	Cards   []*card `json:"cards"`
}

type card struct {
	Hash  string      `json:"card"`
	At    time.Time   `json:"at"`
	Wrong int         `json:"wrong"`
	PINs  []*pinState `json:"pins"` // those that were sent last stand last
}

type pinState struct {
	Hash  string `json:"pin"`
	Is    string `json:"is"`
	Tries int    `json:"tries"` // left before it was sent; -1: unknown
}

// hashSize is the length of salt and hashes.
const hashSize = 16

func fresh() (*state, error) {
	salt := make([]byte, hashSize)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	return &state{Version: 1, Salt: hex.EncodeToString(salt)}, nil
}

// parse reads a file strictly: a file that says what this program would not have written is damaged.
func parse(content []byte) (*state, error) {
	var st state
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&st); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("damaged: more than one object")
	}
	if st.Version != 1 {
		return nil, fmt.Errorf("version %d is not known here", st.Version)
	}
	if !isHash(st.Salt) || len(st.Cards) > maxCards {
		return nil, errors.New("damaged: no salt, or too many cards")
	}
	for _, c := range st.Cards {
		if c == nil || !isHash(c.Hash) || c.Wrong < 0 || c.Wrong > maxWrong || len(c.PINs) > maxPINs {
			return nil, errors.New("damaged: the entry of a card is not whole")
		}
		for _, p := range c.PINs {
			if p == nil || !isHash(p.Hash) || !slices.Contains([]string{isSent, isRefused, isAccepted}, p.Is) || p.Tries < -1 || p.Tries > maxWrong {
				return nil, errors.New("damaged: the state of a PIN is not a known one")
			}
		}
	}
	return &st, nil
}

func isHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == hashSize
}

func (st *state) format() []byte {
	text, err := json.MarshalIndent(st, "", "\t")
	if err != nil {
		panic(err) // texts and numbers can be written
	}
	return append(text, '\n')
}

// rounds is chosen so that a hash takes some milliseconds on a small machine.
const rounds = 4096

func (st *state) hash(text string) string {
	salt, err := hex.DecodeString(st.Salt)
	if err == nil {
		var key []byte
		if key, err = pbkdf2.Key(sha256.New, text, salt, rounds, hashSize); err == nil {
			return hex.EncodeToString(key)
		}
	}
	panic(err) // parse has looked at the salt, and the numbers are ours
}

func cardText(c modem.Card) string {
	if c.ICCID != "" {
		return "iccid " + c.ICCID
	}
	return "modem " + c.Modem
}

func (st *state) pinHash(c modem.Card, pin string) string {
	return st.hash(cardText(c) + " pin " + pin)
}

// card gives what is known of a card, or nil.
func (st *state) card(c modem.Card) *card {
	hash := st.hash(cardText(c))
	if i := slices.IndexFunc(st.Cards, func(k *card) bool { return k.Hash == hash }); i >= 0 {
		return st.Cards[i]
	}
	return nil
}

func (st *state) make(c modem.Card) *card {
	if k := st.card(c); k != nil {
		return k
	}
	k := &card{Hash: st.hash(cardText(c)), PINs: []*pinState{}}
	st.Cards = append(st.Cards, k)
	return k
}

// trim keeps the file within its bounds.
func (st *state) trim() {
	slices.SortStableFunc(st.Cards, func(a, b *card) int { return b.At.Compare(a.At) })
	st.Cards = st.Cards[:min(len(st.Cards), maxCards)]
	for _, k := range st.Cards {
		k.PINs = k.PINs[max(0, len(k.PINs)-maxPINs):]
		k.Wrong = min(k.Wrong, maxWrong)
	}
}

func (k *card) pin(hash string) *pinState {
	if i := slices.IndexFunc(k.PINs, func(p *pinState) bool { return p.Hash == hash }); i >= 0 {
		return k.PINs[i]
	}
	return nil
}

// make gives what is known of a PIN, which stands last then.
func (k *card) make(hash string) *pinState {
	p := k.pin(hash)
	if p == nil {
		p = &pinState{Hash: hash, Tries: -1}
	}
	k.remove(hash)
	k.PINs = append(k.PINs, p)
	return p
}

func (k *card) remove(hash string) {
	k.PINs = slices.DeleteFunc(k.PINs, func(p *pinState) bool { return p.Hash == hash })
}
