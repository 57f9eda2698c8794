package private

import (
	"bytes"
	"hash/maphash"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/knakppp/knak/core/event"
)

// Hider hides secrets and identities in one stream of records. It learns from the stream: a password in a command or a packet, or
// an identity that the modem gives, is hidden wherever it appears again. It is not safe for use by several goroutines.
type Hider struct {
	known     Known
	octets    octets
	dialogues map[string]*Dialogue // by link
	dialogue  *Dialogue            // of link
	link      string
	live      bool
	numbers   map[string]int // identities that were overwritten in octets

	seed    maphash.Seed
	texts   [cacheSize]cachedText
	packets [cacheSize]cachedPacket
	scratch []byte // of the packet that is looked at: most have nothing to hide
}

// cacheSize is how many hidden texts are kept: logs and recordings repeat themselves.
const cacheSize = 512

type cachedText struct {
	hash    uint64 // of in: another text is told by it without a look at the text
	in, out string
	foreign bool
	count   uint64 // of what was known, and 1
}

type cachedPacket struct {
	hash  uint64
	in    event.Packet
	out   event.Event
	count uint64
}

// linkLimit is the greatest number of links in one stream that are told apart.
const linkLimit = 64

// NewHider makes a Hider that knows nothing.
func NewHider() *Hider {
	h := &Hider{seed: maphash.MakeSeed(), dialogues: map[string]*Dialogue{}, numbers: map[string]int{}}
	h.octets = octets{known: &h.known, number: h.number}
	h.dialogue = NewDialogue(&h.known)
	h.dialogues[""] = h.dialogue
	return h
}

// NewLiveHider makes a Hider for a stream that this process makes. Its sentences may mention passwords, and hold no secret that is
// not known.
func NewLiveHider() *Hider {
	h := NewHider()
	h.live = true
	return h
}

// Learn adds secrets to hide wherever they appear. Those of less than four characters are only hidden if they are the whole of a
// quoted string or of a text.
func (h *Hider) Learn(secrets ...string) { h.known.Add(secrets...) }

// Public names texts to show even if Learn gets them later as secrets: a user name, an APN.
func (h *Hider) Public(texts ...string) { h.known.Public(texts...) }

// Known gives the secrets that the Hider knows; it grows as the Hider learns.
func (h *Hider) Known() *Known { return &h.known }

// Dialogue gives the Dialogue of the last record's link.
func (h *Hider) Dialogue() *Dialogue { return h.dialogue }

// Text gives a sentence with secrets and identities hidden.
func (h *Hider) Text(s string) string { return h.cached(s, false) }

// Packet gives a copy of a control packet with secrets hidden: those that the function Packet hides, and the known ones.
func (h *Hider) Packet(protocol uint16, info []byte) []byte {
	b := slices.Clone(info)
	h.octets.packet(protocol, b)
	return b
}

// number overwrites an identity with asterisks and, from the second one on, a number: so that two stay two.
func (h *Hider) number(digits []byte) {
	text := string(digits)
	n, ok := h.numbers[text]
	if !ok && len(h.numbers) < knownLimit {
		n = len(h.numbers)
		h.numbers[text] = n
		h.known.Add(text)
	}
	hide(digits)
	if n > 0 {
		tail := strconv.Itoa(n + 1)
		copy(digits[len(digits)-len(tail):], tail)
	}
}

// Record gives a record that may be shown to the person whose modem it is.
func (h *Hider) Record(r event.Record) event.Record {
	if r.Link != h.link {
		h.turn(r.Link)
	}
	if r.Link != "" && !h.known.Empty() {
		r.Link = h.known.Text(r.Link)
	}
	switch e := r.Event.(type) {
	case nil, event.Data:
	case event.Packet:
		r.Event = h.packet(e, r.Event)
	case event.Described:
		if data := h.Packet(e.Protocol, e.Data); !bytes.Equal(data, e.Data) {
			e.Data = data
			r.Event = e
		}
	case event.AT:
		text := h.line(e.Dir, e.Text)
		if text != e.Text {
			e.Text = text
			r.Event = e
		}
	case event.Text:
		text := h.dialogue.Received(e.Text)
		if text != e.Text {
			e.Text = text
			r.Event = e
		}
	case event.Log:
		if e.Program == "chat" && strings.HasPrefix(e.Text, "expect (") && strings.Contains(strings.ToLower(e.Text), "assw") {
			h.dialogue.Asked()
		}
		r.Event = h.log(e, r.Event)
	case event.Quirk:
		e.Value = h.known.Text(setting(h.dialogue, e.Key, e.Value))
		e.Key, e.Source, e.Reason = h.word(e.Key), h.cached(e.Source, false), h.cached(e.Reason, false)
		r.Event = e
	default:
		r.Event = walk(e, h.field)
	}
	return r
}

// log is walk for the event of which logs are full.
func (h *Hider) log(e event.Log, boxed event.Event) event.Event {
	for _, w := range e.Means {
		if !isKnownWord(w) && h.word(w) != w {
			return walk(e, h.field)
		}
	}
	program, text, value := h.word(e.Program), h.cached(e.Text, true), h.cached(e.Value, false)
	if program == e.Program && text == e.Text && value == e.Value {
		return boxed
	}
	e.Program, e.Text, e.Value = program, text, value
	return e
}

// turn takes the dialogue of another link.
func (h *Hider) turn(link string) {
	h.link = link
	d := h.dialogues[link]
	if d == nil {
		if d = NewDialogue(&h.known); len(h.dialogues) < linkLimit {
			h.dialogues[link] = d
		}
	}
	h.dialogue = d
}

func (h *Hider) line(dir event.Dir, text string) string {
	if dir == event.Sent {
		return h.dialogue.Sent(text)
	}
	return h.dialogue.Received(text)
}

func (h *Hider) packet(p event.Packet, boxed event.Event) event.Event {
	hash := maphash.Bytes(h.seed, p.Data)
	slot := &h.packets[hash%cacheSize]
	if slot.hash == hash && slot.out != nil && slot.count == h.known.count && slot.in.Dir == p.Dir && slot.in.Guessed == p.Guessed && slot.in.Protocol == p.Protocol && bytes.Equal(slot.in.Data, p.Data) {
		return slot.out
	}
	h.scratch = append(h.scratch[:0], p.Data...)
	h.octets.packet(p.Protocol, h.scratch)
	out := boxed
	if !bytes.Equal(h.scratch, p.Data) {
		hidden := p
		hidden.Data = slices.Clone(h.scratch)
		out = hidden
	}
	*slot = cachedPacket{hash: hash, in: p, out: out, count: h.known.count}
	return out
}

// cached is foreign or sentence, for what comes again.
func (h *Hider) cached(s string, foreign bool) string {
	if s == "" {
		return s
	}
	hash := maphash.String(h.seed, s)
	slot := &h.texts[hash%cacheSize]
	if slot.hash == hash && slot.count == h.known.count+1 && slot.foreign == foreign && slot.in == s {
		return slot.out
	}
	out := ""
	switch {
	case h.live:
		out = h.dialogue.own(s)
	case foreign:
		out = h.dialogue.foreign(s)
	default:
		out = h.dialogue.sentence(s)
	}
	*slot = cachedText{hash: hash, in: s, out: out, foreign: foreign, count: h.known.count + 1}
	return out
}

func (h *Hider) word(s string) string {
	if isKnownWord(s) {
		return s
	}
	return h.cached(s, false)
}

// field hides in a field.
func (h *Hider) field(c Class, s string) string {
	switch c {
	case Word:
		return h.word(s)
	case Line:
		return h.dialogue.Received(s)
	case Address:
		return h.known.Text(s)
	case Rule:
		return h.known.Text(Identities(s))
	case Code:
		if isCode(s) {
			return s
		}
	case Foreign:
		return h.cached(s, true)
	case Payload:
		return h.cached(spelled(s), true)
	}
	return h.cached(s, false)
}

// setting gives the value of a setting: a user name may be an IMSI, and a number to dial a person's.
func setting(d *Dialogue, key, value string) string {
	switch key {
	case "auth.user":
		return Identities(Name(value))
	case "dial.number", "dial.alternates":
		return basicNumbers(value)
	}
	return d.foreign(value)
}

// Setting gives the value of a setting with secrets and identities hidden: a user name may be an IMSI, a number to dial may be a
// person's, and a command may hold a password.
func Setting(key, value string) string {
	var known Known
	return setting(NewDialogue(&known), key, value)
}

// spelled gives octets that are spelled out, as those of a damaged frame are, without the text in them.
func spelled(s string) string {
	dir, rest, ok := strings.Cut(s, " ")
	if !ok || dir != "sent" && dir != "rcvd" {
		return s
	}
	words := strings.Split(rest, " ")
	from := 0
	for i := 0; i <= len(words); i++ {
		if i < len(words) && len(words[i]) == 2 && isHex(words[i]) && words[i] >= "20" && words[i] < "7f" && words[i] != "7e" && words[i] != "7d" {
			continue
		}
		if i-from >= shortWord {
			for j := from; j < i; j++ {
				words[j] = ".."
			}
		}
		from = i + 1
	}
	return dir + " " + strings.Join(words, " ")
}

// walk applies f to every field of an event that has a class, and gives the event with what f gave.
func walk(e event.Event, f func(Class, string) string) event.Event {
	classes, _ := classesOf(e.Kind())
	if len(classes) == 0 {
		return e
	}
	from := reflect.ValueOf(e)
	var to reflect.Value // a copy, once something is to be changed
	for i := range from.NumField() {
		c := classes.of(from.Type().Field(i).Name)
		if c == 0 || c == Octets {
			continue
		}
		changed := func() reflect.Value {
			if !to.IsValid() {
				to = reflect.New(from.Type()).Elem()
				to.Set(from)
			}
			return to.Field(i)
		}
		switch v := from.Field(i); v.Kind() {
		case reflect.String:
			if s := v.String(); s != "" {
				if t := f(c, s); t != s {
					changed().SetString(t)
				}
			}
		case reflect.Slice:
			list, _ := v.Interface().([]string)
			var out []string
			for j, s := range list {
				if t := f(c, s); t != s {
					if out == nil {
						out = slices.Clone(list)
					}
					out[j] = t
				}
			}
			if out != nil {
				changed().Set(reflect.ValueOf(out))
			}
		}
	}
	if !to.IsValid() {
		return e
	}
	return to.Interface().(event.Event)
}
