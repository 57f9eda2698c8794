package modem

import (
	"errors"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/private"
)

// Identity is who the modem says it is (3GPP TS 27.007 sections 5.1 to 5.3). It never holds a serial number.
type Identity struct {
	Vendor   string
	Model    string
	Firmware string
}

// probeTimeout bounds each wait for a port that may be in the data state.
const probeTimeout = 700 * time.Millisecond

// Ask asks a modem that answers AT commands who it is.
func Ask(x *at.Exchange) (Identity, error) {
	var id Identity
	for _, q := range []struct {
		command string
		into    *string
	}{
		{"AT+CGMI", &id.Vendor}, {"AT+CGMM", &id.Model}, {"AT+CGMR", &id.Firmware},
	} {
		reply, err := x.Command(q.command, 2*time.Second)
		var result *at.ResultError
		if err != nil && !errors.As(err, &result) {
			return id, fail(err, "the modem does not say who it is")
		}
		if err == nil && len(reply.Lines) > 0 {
			*q.into = identityValue(reply.Lines[0])
		}
	}
	if id.Vendor != "" && id.Model != "" {
		return id, nil
	}
	reply, err := x.Command("ATI", 2*time.Second)
	if err == nil {
		id.merge(reply.Lines)
	}
	var result *at.ResultError
	if err != nil && !errors.As(err, &result) {
		return id, fail(err, "the modem does not say who it is")
	}
	return id, nil
}

// identityValue takes what is said out of forms such as +CGMI: "x" and Revision: x.
func identityValue(line string) string {
	if i := strings.IndexByte(line, ':'); i >= 0 {
		label := strings.ToUpper(strings.TrimLeft(line[:i], "+^$%*#"))
		switch label {
		case "CGMI", "CGMM", "CGMR", "GMI", "GMM", "GMR", "MANUFACTURER", "MODEL", "REVISION":
			line = line[i+1:]
		}
	}
	return private.Identities(strings.Trim(strings.TrimSpace(line), `"`))
}

// merge fills what is still empty from the answer to ATI (ITU-T V.250 section 6.1.3): labelled lines where there are
// any, else vendor, model and revision in this order.
func (id *Identity) merge(lines []string) {
	var plain []string
	put := func(into *string, s string) {
		if *into == "" {
			*into = identityValue(s)
		}
	}
	for _, line := range lines {
		label, value, labelled := strings.Cut(line, ":")
		switch {
		case !labelled:
			plain = append(plain, line)
		case strings.EqualFold(label, "Manufacturer"):
			put(&id.Vendor, value)
		case strings.EqualFold(label, "Model"):
			put(&id.Model, value)
		case strings.EqualFold(label, "Revision"):
			put(&id.Firmware, value)
		}
	}
	for i, into := range []*string{&id.Vendor, &id.Model, &id.Firmware} {
		if i < len(plain) {
			put(into, plain[i])
		}
	}
}
