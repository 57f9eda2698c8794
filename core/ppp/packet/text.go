package packet

// AppendText appends the packet in pppd's debug notation, without the brackets, for example
// `IPCP ConfReq id=0x1 <addr 0.0.0.0>`. It never shows a password or a response to a challenge.
func AppendText(dst []byte, protocol uint16, info []byte) []byte { panic("not yet") }

// Line gives one line as pppd prints it: dir is "sent" or "rcvd".
func Line(dir string, protocol uint16, info []byte) string { panic("not yet") }

// CodeName gives pppd's word for a code of a protocol, for example "ConfReq", or "code=0xf".
func CodeName(protocol uint16, code uint8) string { panic("not yet") }

// OptionText gives one option of a Configure packet as pppd prints it between < and >, for example "addr 10.0.0.1".
func OptionText(protocol uint16, o Option) string { panic("not yet") }
