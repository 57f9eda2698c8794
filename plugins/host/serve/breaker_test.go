package serve

import (
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/plugins/host"
)

var begin = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestTwoTimeoutsInARowKill(t *testing.T) {
	var b breaker
	if b.timeout(begin) {
		t.Error("one timeout kills")
	}
	b.answered()
	if b.timeout(begin.Add(20 * time.Minute)) {
		t.Error("two that are not in a row kill")
	}
	if !b.timeout(begin.Add(21 * time.Minute)) {
		t.Error("two in a row do not kill")
	}
}

func TestThreeStrikesInTenMinutes(t *testing.T) {
	var b breaker
	for _, c := range []struct {
		minute int
		out    bool
	}{{0, false}, {6, false}, {11, false}, {12, true}, {60, true}} {
		b.strike(begin.Add(time.Duration(c.minute) * time.Minute))
		if b.out != c.out {
			t.Fatalf("out is %v after the strike of minute %d", b.out, c.minute)
		}
	}
}

func TestBackOff(t *testing.T) {
	var b breaker
	now := begin
	for _, want := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
		b.ended(now)
		if b.wait != time.Duration(want)*time.Second || !b.until.Equal(now.Add(b.wait)) {
			t.Fatalf("waits %v, want %d s", b.wait, want)
		}
		now = b.until
	}
	b.ended(now.Add(time.Hour))
	if b.wait != time.Second {
		t.Errorf("after an hour without failure it waits %v", b.wait)
	}
}

func TestLogRate(t *testing.T) {
	var l logRate
	passed := 0
	for range 5000 {
		if ok, _ := l.allow(begin); ok {
			passed++
		}
	}
	if passed != lineBurst || l.total != 5000-lineBurst {
		t.Errorf("%d passed at once, %d kept back", passed, l.total)
	}
	if ok, before := l.allow(begin.Add(time.Second)); !ok || before != 5000-lineBurst {
		t.Errorf("a second later: %v, %d", ok, before)
	}
}

func TestLogLine(t *testing.T) {
	for _, c := range []struct {
		line string
		want host.Told
	}{
		{"plain \x1b[31mred", host.Told{Level: "info", Text: `plain \x1b[31mred`}},
		{`{"@level":"error","@message":"no answer","@timestamp":"x","port":7}`, host.Told{Level: "warning", Text: "no answer port=7"}},
		{`{"@level":"info"}`, host.Told{Level: "info", Text: `{"@level":"info"}`}},
	} {
		if got := logLine([]byte(c.line)); got.Level != c.want.Level || !strings.EqualFold(got.Text, c.want.Text) {
			t.Errorf("%q: %+v, want %+v", c.line, got, c.want)
		}
	}
}

func TestLineWriter(t *testing.T) {
	var lines []string
	w := &lineWriter{take: func(b []byte) { lines = append(lines, string(b)) }}
	for _, part := range []string{"a", "b\nc\n", strings.Repeat("x", 3000) + "\nlast"} {
		_, _ = w.Write([]byte(part))
	}
	w.flush()
	if want := []string{"ab", "c", strings.Repeat("x", lineLimit), "last"}; strings.Join(lines, "|") != strings.Join(want, "|") {
		t.Errorf("%q", lines)
	}
}

func TestCheckConfig(t *testing.T) {
	const schema = `{"type":"object","properties":{"word":{"type":"string"},"n":{"type":"integer","minimum":1}},"required":["word"],"additionalProperties":false}`
	for _, c := range []struct {
		what, schema, config, want string
	}{
		{"fits", schema, `{"word":"x","n":3}`, ""},
		{"a key is missing", schema, "", "word"},
		{"another type", schema, `{"word":3}`, "word: got number, want string"},
		{"out of range", schema, `{"word":"x","n":0}`, "n: "},
		{"unknown key", schema, `{"word":"x","wrod":1}`, "wrod"},
		{"none is taken, none is given", "", "{}", ""},
		{"none is taken", "", `{"a":1}`, "takes no configuration"},
	} {
		problems, err := checkConfig(c.schema, c.config)
		if got := strings.Join(problems, "; "); err != nil || (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, %v", c.what, got, err)
		}
	}
	for _, bad := range []string{"{", `{"$ref":"file:///etc/passwd"}`, `{"$ref":"https://192.0.2.1/x"}`, `{"type":"thing"}`} {
		if _, err := checkConfig(bad, "{}"); err == nil {
			t.Errorf("the schema %s is taken", bad)
		}
	}
}

// A plugin that floods its standard error waits: what it writes is read at a pace that costs nothing.
func TestFloodsWait(t *testing.T) {
	var w lineWriter
	now, waited, written := time.Unix(0, 0), time.Duration(0), 0
	for range 10_000 {
		wait := w.spend(now, 4096)
		if wait > writePause {
			t.Fatalf("a wait of %v", wait)
		}
		written += 4096
		waited += wait
		now = now.Add(wait)
	}
	if rate := float64(written-writeBurst) / waited.Seconds(); rate > 1.01*writeRate {
		t.Errorf("%.0f octets a second are read, at most %d may be", rate, writeRate)
	}
	if wait := w.spend(now.Add(time.Hour), 4096); wait != 0 {
		t.Errorf("who was quiet for an hour waits %v", wait)
	}
}

func TestOrdersAreLimited(t *testing.T) {
	var o orderRate
	now, followed := time.Unix(0, 0), 0
	for range 75_500 { // in 17 s, as one plugin did
		if o.allow(now) {
			followed++
		}
		now = now.Add(17 * time.Second / 75_500)
	}
	if followed < orderBurst || followed > orderBurst+2 {
		t.Errorf("%d orders of 75,500 in 17 s are followed, want %d or a few more", followed, orderBurst)
	}
	if !o.allow(now.Add(time.Minute)) {
		t.Error("after a minute an order is not followed")
	}
}
