package quirks

// Facts is what is known about a modem and the port it is reached by. An empty field is not known yet (or cannot be),
// which is different from None: known not to be there, such as the USB id of a UART.
type Facts struct {
	USB          string `json:"usb,omitempty"`          // vid:pid in lower-case hex, for example "12d1:1506"
	Interface    string `json:"interface,omitempty"`    // USB interface number in hex, for example "00"
	Class        string `json:"class,omitempty"`        // USB interface class/subclass/protocol in hex, for example "ff/01/01"
	Driver       string `json:"driver,omitempty"`       // the kernel's driver, for example "option"
	DMI          string `json:"dmi,omitempty"`          // vendor/product of the board, for example "acme/gateway 2"
	DeviceTree   string `json:"devicetree,omitempty"`   // the board's compatible strings, between spaces
	Manufacturer string `json:"manufacturer,omitempty"` // what AT+CGMI answered
	Model        string `json:"model,omitempty"`        // what AT+CGMM answered
	Revision     string `json:"revision,omitempty"`     // what AT+CGMR answered
	Operator     string `json:"operator,omitempty"`     // the network that the modem is registered in: MCC-MNC, for example "262-01", or its name
	Auth         string `json:"auth,omitempty"`         // the authentication that the peer demanded first, for example "chap-md5"
	Peer         string `json:"peer,omitempty"`         // what the peer calls itself in its first challenge

	// Remembered says that manufacturer, model and revision are what the modem on this port answered before, so that they are
	// known before it is opened and what they give comes in time for that.
	Remembered bool `json:"-"`
}

// None in a field of Facts says that the modem is known not to have such a thing.
const None = "none"
