package quirks

// Facts holds the known facts about a modem and its port. An empty field is not known yet (or cannot be known). That differs from
// None, which says that the modem does not have the thing, such as a UART without a USB id.
type Facts struct {
	USB          string `json:"usb,omitempty"`          // vid:pid in lower-case hex, for example "12d1:1506"
	Interface    string `json:"interface,omitempty"`    // USB interface number in hex, for example "00"
	Class        string `json:"class,omitempty"`        // USB interface class/subclass/protocol in hex, for example "ff/01/01"
	Driver       string `json:"driver,omitempty"`       // the kernel's driver, for example "option"
	DMI          string `json:"dmi,omitempty"`          // vendor/product of the board, for example "acme/gateway 2"
	DeviceTree   string `json:"devicetree,omitempty"`   // the board's compatible strings, between spaces
	Manufacturer string `json:"manufacturer,omitempty"` // the answer to AT+CGMI
	Model        string `json:"model,omitempty"`        // the answer to AT+CGMM
	Revision     string `json:"revision,omitempty"`     // the answer to AT+CGMR
	Operator     string `json:"operator,omitempty"`     // the network that the modem is registered in: MCC-MNC, for example "262-01", or its name
	Auth         string `json:"auth,omitempty"`         // the first authentication that the peer demanded, for example "chap-md5"
	Peer         string `json:"peer,omitempty"`         // the peer's name in its first challenge

	// Remembered says that manufacturer, model and revision are earlier answers of the modem on this port. They are then known
	// before the port is opened, in time for keys of phase AtOpen.
	Remembered bool `json:"-"`
}

// None in a field of Facts says that the modem is known not to have such a thing.
const None = "none"
