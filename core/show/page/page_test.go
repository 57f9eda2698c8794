package page

import (
	"strings"
	"testing"
)

const sample = "# A page\n\nOne paragraph with `some code`, **weight**, an escaped UMTS\\_CHAP and a [link](x.md); it is long enough to be wrapped.\n\n- an item that goes on\n  in a second line\n1. another\n\n```sh\nknak dial --apn internet # never wrapped, however long such a line is\n```\n\n| status | meaning |\n| --- | --- |\n| 0 | ended as it should: `--once`, or the peer ended it |\n| a\\|b | x |\n"

func TestSet(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    Options
		want string
	}{
		{"plain", Options{Width: 40, Link: func(text, target string) string { return text + " (" + target + ")" }}, `A page

One paragraph with ` + "`some code`" + `, weight,
an escaped UMTS_CHAP and a link (x.md);
it is long enough to be wrapped.

- an item that goes on in a second line
1. another

    knak dial --apn internet # never wrapped, however long such a line is

status  meaning
0       ended as it should: ` + "`--once`" + `, or
        the peer ended it
a|b     x
`},
		{"narrow", Options{Width: 20}, `A page

One paragraph with
` + "`some code`" + `, weight,
an escaped UMTS_CHAP
and a link; it is
long enough to be
wrapped.

- an item that goes
  on in a second
  line
1. another

    knak dial --apn internet # never wrapped, however long such a line is

0
    ended as it
    should:
    ` + "`--once`" + `, or the
    peer ended it
a|b
    x
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Set(sample, tt.o); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
	got := Set(sample, Options{Width: 60, Color: true})
	if !strings.Contains(got, "\x1b[1mA page\x1b[0m\n") || !strings.Contains(got, "\x1b[36msome code\x1b[0m, weight") || strings.Contains(got, "`") {
		t.Errorf("colours: %q", got)
	}
}
