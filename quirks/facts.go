package quirks

// Facts is what is known about a modem and the port it is reached by. An empty field is not known yet (or cannot be),
// which is different from None: known not to be there, such as the USB id of a UART.
type Facts struct {
	USB          string `json:"usb,omitempty"`          // vid:pid in lower-case hex, for example "12d1:1506"
	Interface    string `json:"interface,omitempty"`    // USB interface number in hex, for example "00"
	Class        string `json:"class,omitempty"`        // USB interface class/subclass/protocol in hex, for example "ff/01/01"
	Driver       string `json:"driver,omitempty"`       // the kernel's driver, for example "option"
	Manufacturer string `json:"manufacturer,omitempty"` // what AT+CGMI answered
	Model        string `json:"model,omitempty"`        // what AT+CGMM answered
	Revision     string `json:"revision,omitempty"`     // what AT+CGMR answered
}

// None in a field of Facts says that the modem is known not to have such a thing.
const None = "none"
