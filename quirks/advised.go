package quirks

import "fmt"

// Advised is a setting that is in no file: a plugin proposes it when the modem has identified itself.
type Advised struct {
	Key    string // a key; "+" behind it adds to a list, "-" removes from it
	Value  string // the value in the form of --set
	Reason string // must not be empty
	By     string // the name of the proposer, for example "plugin acme"; it becomes the setting's Source
}

// ResolveAdvised is Resolve with settings of layer Plugin; if two are about the same key, the later one is stronger. A setting is
// left out if the layer must not have it, it comes too late for its key, or it is wrong; refused then gives the reason.
func (db *DB) ResolveAdvised(facts Facts, chosen string, advised []Advised, set []string) (r *Resolution, refused []*Problem, err error) {
	return db.ResolveLearned(facts, chosen, nil, advised, set)
}

// ResolveLearned is ResolveAdvised with the settings that experiments on this machine have found, as layer Learned. They may be of
// any key. A setting that is wrong, because the program has changed since, is left out.
func (db *DB) ResolveLearned(facts Facts, chosen string, learned, advised []Advised, set []string) (r *Resolution, refused []*Problem, err error) {
	var all []*candidate
	for _, a := range learned {
		q, err := parseSet(a.Key + "=" + a.Value)
		if err != nil {
			refused = append(refused, newProblem(Learned, a.By, pos{}, "%s: %v", a.Key, err))
			continue
		}
		q.Layer, q.Origin, q.Reason = Learned, a.By, a.Reason
		all = append(all, &candidate{quirk: q, layer: Learned, fits: Yes})
	}
	for _, a := range advised {
		q, err := a.quirk()
		if err != nil {
			refused = append(refused, newProblem(Plugin, a.By, pos{}, "%s: %v", a.Key, err))
			continue
		}
		all = append(all, &candidate{quirk: q, layer: Plugin, fits: Yes})
	}
	r, err = db.resolve(facts, chosen, all, set)
	return r, refused, err
}

func (a Advised) quirk() (*Quirk, error) {
	q, err := parseSet(a.Key + "=" + a.Value)
	if err != nil {
		return nil, err
	}
	k := table()[q.Key]
	switch {
	case k.Class == Command:
		return nil, fmt.Errorf("it decides what AT commands are sent; the plugin layer must not set it")
	case k.Phase < AtProbe:
		return nil, fmt.Errorf("too late: it is used in phase %s, and plugins are asked in phase %s", k.Phase, AtProbe)
	case a.Reason == "":
		return nil, fmt.Errorf("a reason is missing")
	}
	q.Layer, q.Origin, q.Reason = Plugin, a.By, a.Reason
	return q, nil
}
