package sentence

import (
	"strings"
	"sync"
)

// Hint is what the words of a line suggest, if knak has no description of the program that wrote it.
type Hint struct {
	Finding string   // the id of a finding of diagnosis
	Past    []string // the findings of earlier lines that this line takes back; "all": all of them
}

// hints is the file hints.toml.
type hints struct {
	Hint []struct {
		Finding string   `toml:"finding"`
		Text    []string `toml:"text"` // as Line.Text
		Except  string   `toml:"except"`
		Example []string `toml:"example"` // lines that give the finding
	} `toml:"hint"`
	Good []struct {
		Past   []string `toml:"past"`
		Text   []string `toml:"text"`
		Except string   `toml:"except"`
	} `toml:"good"`
	NearMiss []string `toml:"near_miss"` // lines that give none
}

func readHints() (h hints, err error) { return h, decode(files, "hints.toml", &h) }

// hintTable holds the patterns of hints.toml. The value of a good line's entry is its Past, separated by blanks.
var hintTable = sync.OnceValue(func() *index {
	all, err := readHints()
	if err != nil {
		panic("sentence: " + err.Error()) // the file is compiled in; a test reads it
	}
	t := newIndex()
	add := func(text []string, except, word, value string) {
		for _, p := range text {
			t.add(entry{pattern: compile(p), except: compile(except), hasExcept: except != "", word: word, value: value})
		}
	}
	for _, h := range all.Hint {
		add(h.Text, h.Except, h.Finding, "")
	}
	for _, g := range all.Good {
		add(g.Text, g.Except, "", strings.Join(g.Past, " "))
	}
	t.finish()
	return t
})

// longestHint is the greatest length of a line that can be a hint, in octets. A paragraph of prose is longer.
const longestHint = 240

// HintOf finds the hint in a line that is in no program's table, by words that programs have in common. A hint is a weak sign,
// because people use the same words when they write about a failure: a question, and a line in the first person, give none. ok
// is false if the line gives no hint.
func HintOf(text string) (h Hint, ok bool) {
	if len(text) > longestHint {
		return h, false
	}
	plain := fold(text)
	if plain == "" {
		return h, false
	}
	var room [longestHint]byte
	low := appendLower(room[:0], plain)
	var found [32]int
	candidates := hintTable().candidates(found[:0], low)
	if len(candidates) == 0 || isProse(string(low)) {
		return h, false
	}
	hintTable().match(candidates, low, func(e *entry, _ []span) {
		ok = true
		switch {
		case e.word == "":
			h.Past = append(h.Past, strings.Fields(e.value)...)
		case h.Finding == "":
			h.Finding = e.word
		}
	})
	return h, ok
}

// isProse says whether a line, in lower case, is a question, in the first person, or addressed to a reader.
func isProse(low string) bool {
	for _, w := range [...]string{"? ", "please", "thanks", "i've ", "i'm ", "i am ", "i have ", "i can", " my ", " we ", "you ", "your "} {
		if strings.Contains(low, w) {
			return true
		}
	}
	return strings.HasSuffix(low, "?") || strings.HasPrefix(low, "i ") || strings.Contains(low, " i ")
}

// OfModem says whether a line has a word about modems, such as sim, apn or creg.
func OfModem(text string) bool {
	if len(text) > longestHint {
		return false
	}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z' }) {
		if len(word) < 3 || len(word) > 10 {
			continue
		}
		switch strings.ToLower(word) {
		case "modem", "modems", "sim", "gsm", "gprs", "lte", "umts", "apn", "ppp", "pppos", "lcp", "ipcp", "pdp", "pdn", "cellular", "wwan", "csq", "creg", "cereg", "cgreg", "cgatt", "cgact", "cgdcont", "cpin", "imei", "rssi", "ttyusb", "ttyacm":
			return true
		}
	}
	return false
}

// HintFindings gives the ids of the findings that hints name.
func HintFindings() (ids []string) {
	all, err := readHints()
	if err != nil {
		panic("sentence: " + err.Error())
	}
	for _, h := range all.Hint {
		ids = append(ids, h.Finding)
	}
	return ids
}
