package v250

import "testing"

// TestFinals is the table of final results as modems say them: V.250 sections 5.7.1 and 6.3, 3GPP TS 27.007 section 9, and
// what vendors' manuals and drivers (ModemManager, oFono, Android's reference RIL, wat) know besides.
func TestFinals(t *testing.T) {
	for _, c := range []struct {
		line   string
		result Result
		code   int
	}{
		{"OK", OK, -1},
		{" OK ", OK, -1},
		{"OK.", NoResult, -1},
		{"OKAY", NoResult, -1},
		{"ERROR", Failed, -1},
		{"ERROR: 4", Failed, -1},
		{"ERROR:17", Failed, -1},
		{"ERRORS", NoResult, -1},
		{"CONNECT", Connect, -1},
		{"CONNECT 115200", Connect, -1},
		{"CONNECT/LAPM", Connect, -1},
		{"CONNECT FAIL", NoCarrier, -1}, // SIM800's AT command manual
		{"CONNECTED", NoResult, -1},
		{"+CME ERROR: 10", CME, 10},
		{"+CME ERROR:10", CME, 10},
		{"+CME ERROR: SIM not inserted", CME, 10},
		{"+CME ERROR: sim NOT inserted", CME, 10},
		{"+CME ERROR", CME, -1},
		{"CME ERROR: 10", CME, 10},
		{"+CMS ERROR: 302", CMS, 302},
		{"CMS ERROR: 302", CMS, 302},
		{"+CMEE: 1", NoResult, -1},
		{"MODEM ERROR: 5", Failed, -1},
		{"MODEM ERROR", Failed, -1},
		{"+EXT ERROR: 3", Failed, -1},
		{"ABORTED", Failed, -1},
		{"NO CARRIER", NoCarrier, -1},
		{"NO CARRIER: 33", NoCarrier, -1},
		{"NO CARRIERS", NoResult, -1},
		{"VOICE NO CARRIER", NoResult, -1},
		{"BUSY", Busy, -1},
		{"LINE IN USE", Busy, -1},
		{"NO DIALTONE", NoDialtone, -1},
		{"NO DIAL TONE", NoDialtone, -1},
		{"NO ANSWER", NoAnswer, -1},
		{"DELAYED 00:05:00", Delayed, -1},
		{"BLACKLISTED", Delayed, -1},
		{"COMMAND NOT SUPPORT", NotSupported, -1},
		{"COMMAND NOT SUPPORTED", NotSupported, -1},
		{"TOO MANY PARAMETERS", NotSupported, -1},
		{"INVALID COMMAND LINE", NotSupported, -1},
		{"NA", NotSupported, -1},
		{"NAK", NoResult, -1},
		{"RING", NoResult, -1},
		{"", NoResult, -1},
	} {
		if r, code := ParseFinal(c.line); r != c.result || code != c.code {
			t.Errorf("%q: got %d with code %d, want %d with %d", c.line, r, code, c.result, c.code)
		}
		if IsFinal(c.line) != (c.result != NoResult) {
			t.Errorf("%q: IsFinal gives the contrary", c.line)
		}
	}
}
