package report

import (
	"strings"
	"testing"
)

// Commands of knak and of the modem are code, and what the sentence says behind them is not.
func TestStepsMarkCommands(t *testing.T) {
	for cure, want := range map[string]string{
		`send an empty user name: knak dial --user "" (pppd: user "")`: `<code>knak dial --user &#34;&#34;</code> (pppd`,
		`use another port: knak dial --port PATH`:                      `<code>knak dial --port PATH</code></li>`,
		`AT+CREG? and AT+CEREG? answer with 1`:                         `<li><code>AT+CREG?</code> and <code>AT+CEREG?</code> answer`,
		`unplug <b>it</b>`:                                             `<li>unplug &lt;b&gt;it&lt;/b&gt;</li>`,
	} {
		b := &builder{}
		b.steps([]string{cure})
		if got := b.String(); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s in it", cure, got, want)
		}
	}
}
