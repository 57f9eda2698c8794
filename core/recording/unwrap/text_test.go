package unwrap

import (
	"io"
	"strings"
	"testing"
	"unicode/utf16"
)

func utf16LE(s string, mark bool) string {
	var b []byte
	if mark {
		b = append(b, 0xff, 0xfe)
	}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func TestText(t *testing.T) {
	log := "sent [LCP ConfReq id=0x1 <mru 1500> <magic 0x1>]\nrcvd [LCP ConfAck id=0x1]\n"
	for name, tt := range map[string]struct{ in, want, form string }{
		"a log stays as it is":            {log, log, ""},
		"UTF-16 with its mark":            {utf16LE(log, true), log, "UTF-16"},
		"UTF-16 without a mark":           {utf16LE(log, false), log, "UTF-16"},
		"a page with a preformatted part": {"<html><body><p>help &amp; me</p><pre>sent [LCP ConfReq id=0x1 &lt;mru 1500&gt;]\nOK</pre></body></html>", "\nsent [LCP ConfReq id=0x1 <mru 1500>]\nOK\n", "web page"},
		"options that nobody escaped":     {"<div>sent [LCP ConfReq id=0x1 <mru 1500> <pcomp>]<br>OK</div>", "\nsent [LCP ConfReq id=0x1 <mru 1500> <pcomp>]\nOK\n", "web page"},
		"scripts are no text":             {"<html><script>var a = 'ATD';</script><div>AT</div></html>", "\nAT\n", "web page"},
		"a script with tags in it":        {"<html><SCRIPT type=\"a>b\">if (a<b) x='<br>ATD</br></scrip'</Script ><div>AT</div></html>", "\nAT\n", "web page"},
		"comments and declarations":       {"<!DOCTYPE html><!-- a > <b>b</b> -- > c --><?xml x?><body>AT<!----> OK</body>", "AT OK", "web page"},
		"a > in an attribute":             {"<div title='a > b' id=\"<x>\">AT<br/>OK</div>", "\nAT\nOK\n", "web page"},
		"references":                      {"<div>&lt;mru&nbsp;1500&gt; &amp;amp; &#65;&#x54; &unknown; &</div>", "\n<mru 1500> &amp; AT &unknown; &\n", "web page"},
		"no tags":                         {"<div>a < b <3 </ x> <> <accomp></div>", "\na < b <3 </ x> <> <accomp>\n", "web page"},
		"cut in a tag":                    {"<div>AT<span class=\"x", "\nAT", "web page"},
		"fences of Markdown":              {"look:\n```text\nAT\nOK\n```\n", "look:\nAT\nOK\n", "Markdown"},
		"numbers before the lines":        {"1: AT\n2: OK\n3: ATD\n4: \n5: ERROR\n", "AT\nOK\nATD\n\nERROR\n", "numbered lines"},
		"numbers of Portmon's export":     {"0\tIRP_MJ_READ\n1\tb\n2\tc\n3\td\n4\te\n", "0\tIRP_MJ_READ\n1\tb\n2\tc\n3\td\n4\te\n", ""},
		"numbers in a fence":              {"look\n```\n1 AT\n2 OK\n3 AT\n4 OK\n5 ATZ\n```\n", "look\nAT\nOK\nAT\nOK\nATZ\n", "Markdown, numbered lines"},
		"numbers that are times":          {"1 a\n3 b\n4 c\n9 d\n10 e\n", "1 a\n3 b\n4 c\n9 d\n10 e\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r, form := Text(strings.NewReader(tt.in))
			b, err := io.ReadAll(r)
			if err != nil || string(b) != tt.want || form != tt.form {
				t.Errorf("%q as %q, %v\nwant %q as %q", b, form, err, tt.want, tt.form)
			}
		})
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"<pre>x</pre>", utf16LE("abcdefghijkl", true), "1: a\n2: b\n3: c\n4: d\n5: e\n", "```\nx\n```\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, _ := Text(strings.NewReader(string(b)))
		n, err := io.Copy(io.Discard, r)
		if err != nil {
			t.Fatal(err)
		}
		if n > int64(8*len(b)+64) {
			t.Fatalf("%d octets become %d", len(b), n)
		}
	})
}
