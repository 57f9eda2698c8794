// Package link is one connection's life as a machine. A Session dials, negotiates, proves, comes up, watches, hangs up and tries
// again, and holds the machines of the parts below. Package drive runs it with real ports, real planes and a real clock; package
// simulate runs it against a simulated modem in virtual time.
//
// It is the only package that knows all the others.
//
// # States
//
// A session is in one state at a time, each a type of its own. A good call goes from left to right, and round:
//
//	idle → dialing → negotiating → judging → proving → opening → up → closing → hangingUp → waiting → dialing
//
// Judging and proving are left out if they are not wanted; pausing comes before them if the peer changes the addresses too fast.
// With a second port for AT commands, preparing and calling replace dialing; instructing may follow them, and unhooking may come
// before hangingUp. Between two attempts there may be a step that brings the modem back (recovering), and a port that is opened
// again (reopening). These are all the ways from one state to another:
//
//	idle         → dialing, preparing, over
//	dialing      → negotiating, hangingUp, waiting, over
//	preparing    → calling, negotiating, waiting, over
//	calling      → instructing, negotiating, hangingUp, unhooking, waiting, over
//	instructing  → negotiating, hangingUp, unhooking, waiting, over
//	negotiating  → judging, proving, opening, pausing, closing, waiting, over
//	pausing      → judging, proving, opening, closing, waiting, over
//	judging      → judging, proving, opening, pausing, negotiating, closing, waiting, over
//	proving      → proving, opening, pausing, negotiating, closing, waiting, over
//	opening      → up, opening, judging, proving, pausing, closing, waiting, over
//	up           → opening, judging, proving, pausing, closing, waiting, over
//	closing      → unhooking, hangingUp, waiting, over
//	unhooking    → hangingUp, waiting, over
//	hangingUp    → waiting, over
//	waiting      → recovering, reopening, dialing, preparing, over
//	recovering   → reopening, dialing, preparing, over
//	reopening    → recovering, waiting, dialing, preparing, over
//
// Each state is described at its type: in talk.go the states in which a dialogue has a port; in line.go, network.go, prove.go and
// up.go those in which PPP has it; in attempt.go those between two attempts. The data of one attempt is a value that the next
// attempt does not share (attempt, with its treatment of the modem). Asking advisers, trying again and reporting are parts of
// their own: asker, retry, story.
package link
