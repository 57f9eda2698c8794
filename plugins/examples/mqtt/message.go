package main

import (
	"encoding/json"

	"github.com/knakppp/knak/plugins/sdk"
)

// message is one message to publish, below PREFIX/SITE/.
type message struct {
	topic    string
	payload  []byte
	absolute bool // the topic is the whole one
	retained bool // the broker gives it to who comes later: the state of a link
}

// status is the retained state of a link, so that a watcher who connects later gets it at once.
type status struct {
	State   string   `json:"state"` // a phase of knak: "dial", "lcp", …, "up", "down"
	Time    string   `json:"time"`
	Local   string   `json:"local,omitempty"`
	DNS     []string `json:"dns,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Finding string   `json:"finding,omitempty"`
}

// messages makes of an event what is published: the event as it is, and the state of the link where it changes.
func messages(n sdk.Notice) []message {
	link := n.Link.Name
	list := []message{{topic: link + "/event/" + n.Kind, payload: []byte(n.JSON)}}
	s := status{Time: n.Time.UTC().Format("2006-01-02T15:04:05.000Z")}
	switch e := n.Event.(type) {
	case sdk.Phase:
		if e.Phase == "up" || e.Phase == "down" {
			return list // the events up and down say more
		}
		s.State = e.Phase
	case sdk.Up:
		s.State, s.Local, s.DNS = "up", e.Local, e.DNS
	case sdk.Down:
		s.State, s.Reason = "down", e.Reason
	case sdk.Finding:
		s.State, s.Finding, s.Reason = "trouble", e.ID, e.Title
	default:
		return list
	}
	payload, err := json.Marshal(s)
	if err != nil {
		return list
	}
	return append(list, message{topic: link + "/status", payload: payload, retained: true})
}
