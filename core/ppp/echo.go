package ppp

import (
	"encoding/binary"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
)

// echo watches over an Opened link by Echo-Requests (RFC 1661 section 5.8). It stands beside the automaton: no answer,
// wrong or missing, is an event there.
type echo struct {
	off      bool
	at       time.Time // when to look next
	missed   int       // Echo-Requests since the last sign of life
	answered bool      // there was an Echo-Reply, ever
	id       uint8
}

// life notes that something was received.
func (c *lcp) life() {
	if c.cfg.EchoMode == EchoOff || c.echo.off {
		return
	}
	if c.cfg.EchoMode == EchoStrict && !c.echo.at.IsZero() {
		return
	}
	c.alive()
}

// alive starts the watch over.
func (c *lcp) alive() {
	c.echo.missed = 0
	if c.cfg.EchoInterval > 0 {
		c.echo.at = c.engine.now.Add(c.cfg.EchoInterval)
	}
}

func (c *lcp) echoAt() time.Time {
	if c.echo.off || c.state != StateOpened {
		return time.Time{}
	}
	return c.echo.at
}

// watch sends the next Echo-Request, or gives the link up.
func (c *lcp) watch() {
	if !due(c.echoAt(), c.engine.now) {
		return
	}
	if c.echo.missed >= c.cfg.EchoFailure {
		if c.cfg.EchoMode == EchoLearn && !c.echo.answered {
			// This peer answers no Echo-Request at all: its silence says nothing, and asking on is of no use.
			c.echo.off = true
			c.engine.notice("info", "LCP: the peer never answers Echo-Requests; not watching the link by them")
			return
		}
		c.engine.fail(Failure{Kind: KindEchoTimeout, Protocol: packet.LCP, Detail: "no sign of life"})
		return
	}
	c.echo.missed++
	c.echo.at = c.engine.now.Add(c.cfg.EchoInterval)
	c.echo.id++
	var magic [4]byte
	binary.BigEndian.PutUint32(magic[:], c.magic)
	c.engine.send(packet.LCP, packet.Packet{Code: packet.EchoRequest, ID: c.echo.id, Data: magic[:]})
}

// receiveEchoRequest is RXR with its ser: the reply holds our magic number and the request's data, as far as it fits.
func (c *lcp) receiveEchoRequest(p packet.Packet) {
	if c.state != StateOpened || len(p.Data) < 4 || c.loopedBack(p) {
		return
	}
	if c.cfg.NoEchoReply {
		return
	}
	e := c.engine
	c.reply = packet.Packet{Code: packet.EchoReply, ID: p.ID}
	start := len(e.arena)
	e.arena = binary.BigEndian.AppendUint32(e.arena, c.magic)
	e.arena = append(e.arena, e.fit(p.Data)[4:]...)
	c.reply.Data = e.arena[start:len(e.arena):len(e.arena)]
	c.event(ReceiveEcho)
}

// receiveEchoReply takes any reply, whatever its identifier, as life. Some modems add octets of their own.
func (c *lcp) receiveEchoReply(p packet.Packet) {
	if c.state != StateOpened || c.echo.off || len(p.Data) < 4 || c.loopedBack(p) {
		return
	}
	c.echo.answered = true
	c.alive()
}

// loopedBack says whether an echo packet carries our own magic number; enough of them end the link.
func (c *lcp) loopedBack(p packet.Packet) bool {
	if c.magic == 0 || binary.BigEndian.Uint32(p.Data) != c.magic {
		return false
	}
	c.loops++
	if c.loops >= c.cfg.MaxLoops {
		c.engine.fail(Failure{Kind: KindLoopedBack, Protocol: packet.LCP, Detail: "our own packets come back"})
	}
	return true
}

func (c *lcp) advance() {
	c.layer.advance()
	c.watch()
}

func (c *lcp) deadline() time.Time { return soonest(c.layer.deadline(), c.echoAt()) }
