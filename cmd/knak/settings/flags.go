package settings

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/knakppp/knak/core/hooks"
	"github.com/knakppp/knak/core/plane"
)

// AddDialFlags adds the flags of a dial.
func AddDialFlags(f *pflag.FlagSet) {
	f.String("link", "", "`name` of the link for status and hangup (default: the connection's, else that of the port or the simulator)")
	f.String("port", "", "data port: a `tty` such as /dev/ttyUSB0 (default: found); - is standard input and output")
	f.String("at-port", "", "ask for identity, SIM and registration on this `tty`, and only dial on the data port")
	f.Int("baud", 115200, "speed of a serial line in bit/s; USB modems ignore it")
	f.String("apn", "", "access point `name` (default: the modem's own, else the one that the SIM's carrier is known by)")
	f.String("user", "", "user `name`; an empty name is sent as an empty name")
	f.String("password-file", "", "read the password from this `file`; - is standard input")
	f.String("auth", "", "authenticate by one of these `methods` only, the one to propose first: a list of pap, chap-md5, mschap, mschap-v2, eap; with none in the list, the modem may demand no authentication")
	f.String("local-address", "", "ask for this `address` for this end, and for no other")
	f.String("peer-address", "", "suggest this `address` to the peer as its own")
	f.String("number", "", "`number` to dial, for example *99***1#; empty: the port carries PPP at once")
	f.String("pin-file", "", "read the SIM's PIN from this `file`; - is standard input")
	f.Bool("pin-again", false, "send the PIN although this SIM has refused it before: the SIM's PIN was changed since")
	f.Bool("pin-last-try", false, "send the PIN although a wrong PIN would now block the SIM")
	f.String("quirks", "", "use this `profile` instead of the one that matches the modem")
	f.StringArray("set", nil, "set one quirk, `KEY=VALUE`, above everything else; may be repeated")
	f.String("plane", plane.KindAuto, "where packets go: `kind` is tun (an interface; needs root), stack (a proxy), none, or auto: tun if possible, else stack")
	f.String("proxy", "127.0.0.1:1080", "with --plane stack: the `address` where the SOCKS5 and HTTP proxy listens; off: nowhere")
	f.StringArray("forward", nil, "with --plane stack: `LISTEN=HOST:PORT` leads a local TCP port over the link; may be repeated")
	f.String("interface", "", "with --plane tun: the interface's `name`, with %d for a number (default knak%d)")
	f.Bool("default-route", true, "with --plane tun: use the link for all traffic that has no better route")
	f.Bool("no-default-route", false, "with --plane tun: make no default route")
	f.Int("metric", 700, "with --plane tun: metric of the routes; 700 is behind Ethernet's and Wi-Fi's, and a lower one wins")
	f.Bool("backup", false, "with --plane tun: use the link's default route only while this host has no other")
	f.StringArray("allow-address", nil, "accept this `address` or network from the peer although it conflicts with this host's own; may be repeated")
	f.String("dns", "system", "with --plane tun: how the host learns the name servers: `mode` is system, resolved, resolvconf, file or none")
	f.Bool("persist", false, "dial again whenever the link ends")
	f.Int("max-attempts", 0, "dial at most `n` times (default: once, or without limit with --persist)")
	f.Duration("timeout", 2*time.Minute, "how long it may take until the link works; 0: no limit")
	f.Duration("idle", 0, "end the link when no packet has passed for this long")
	f.Duration("max-time", 0, "end the link when it has been up for this long")
	f.Uint64("max-bytes", 0, "end the link after this many octets, both directions together")
	f.Bool("prove", false, "announce the link only when a packet has come back over it")
	f.Bool("no-prove", false, "never wait for such a proof")
	f.String("hooks", hooks.Dir, "with --plane tun: run ip-up, ip-down, ipv6-up and ipv6-down of this `directory` as pppd would; none: run none")
	f.Duration("hook-timeout", time.Minute, "how long one script of --hooks may run")
	f.String("ipparam", "", "sixth argument of the scripts of --hooks, as pppd's ipparam: a `text`")
	f.String("plugin-dir", "", "look for the plugins of the configuration in this `directory` first")
	f.String("sim", "", "dial a simulated modem: a `scenario` (see knak sim --list) or a file; auto means stack then")
	f.String("record", "", "record the call into this `file`, which must not exist: .pcapng for Wireshark and knak, .record in pppd's format; %t in it is the time")
	f.Bool("record-secrets", false, "record passwords, responses and identities too: do not show such a file to anybody")
	f.Bool("record-control", false, "leave data packets out of the recording")
	f.Bool("no-adapt", false, "do not try other settings when a dial fails, and use no learned settings")
	f.Bool("inhibit", false, "keep ModemManager away from this modem while knak dials")
	f.Bool("once", false, "hang up as soon as the link is up")
}

// AddGlobalFlags adds the flags that all commands have.
func AddGlobalFlags(f *pflag.FlagSet) {
	f.String("config", "", "read this configuration `file` (default /etc/knak/config.toml and the user's own)")
	f.Bool("json", false, "write JSON Lines on standard output, and nothing else there")
	f.VarPF(new(Verbosity), "verbose", "v", "show the dialogue with the modem, packets and settings; -vv: every repeated packet, state and decision too").NoOptDefVal = "true"
	f.BoolP("quiet", "q", false, "show when the link is up and down, findings and warnings only")
	f.String("color", "auto", "colour on the terminal: `when` is auto, always or never")
	f.String("log-format", "text", "how progress is written to standard error: `form` is text, json or journal")
}
