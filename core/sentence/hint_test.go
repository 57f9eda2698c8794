package sentence

import (
	"slices"
	"strings"
	"testing"
)

// Each hint has an example that gives it, what people write gives none, and no table of a program knows the lines.
func TestHints(t *testing.T) {
	all, err := readHints()
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range all.Hint {
		if len(h.Example) == 0 {
			t.Errorf("%s: no example", h.Finding)
		}
		for _, e := range h.Example {
			if got, _ := HintOf(e); got.Finding != h.Finding {
				t.Errorf("%q gives %+v, want %s", e, got, h.Finding)
			}
			if m := Of("", e); m.Is(h.Finding) {
				t.Errorf("%q is a sentence of a cause already", e)
			}
		}
		for _, p := range append(slices.Clone(h.Text), h.Except) {
			if p != strings.ToLower(p) || strings.Contains(p, "  ") {
				t.Errorf("%q can match no line: lines are compared in lower case, with one blank", p)
			}
		}
	}
	for _, m := range all.NearMiss {
		if got, _ := HintOf(m); got.Finding != "" {
			t.Errorf("%q gives %+v", m, got)
		}
	}
	for line, want := range map[string]string{
		"modem: registered on home network": "not-registered",
		"PPP connected, local address set":  "all",
		"SIM is ready":                      "no-sim",
	} {
		if got, ok := HintOf(line); !ok || got.Finding != "" || !slices.Contains(got.Past, want) {
			t.Errorf("%q: %+v", line, got)
		}
	}
	if _, ok := HintOf(strings.Repeat("modem not ready ", 20)); ok {
		t.Error("a paragraph is a line of a program")
	}
}

func FuzzHint(f *testing.F) {
	f.Add("LCP: no reply to 1 echo request(s)")
	f.Fuzz(func(t *testing.T, s string) {
		h, ok := HintOf(s)
		if !ok && (h.Finding != "" || h.Past != nil) {
			t.Errorf("%q: %+v", s, h)
		}
	})
}
