package quirks

import "fmt"

// Advised is a setting that no file holds: a plugin proposes it when the modem has said who it is.
type Advised struct {
	Key    string // with "+" behind it for adding to a list, "-" for removing
	Value  string // as --set takes it
	Reason string // must not be empty
	By     string // who says so, for example "plugin acme"; the setting's Source
}

// ResolveAdvised is Resolve with settings of layer Plugin; of two about one key the later one is the stronger. A setting
// that the layer must not have, that comes too late for its key, or that is wrong is left out, and refused says why.
func (db *DB) ResolveAdvised(facts Facts, chosen string, advised []Advised, set []string) (r *Resolution, refused []*Problem, err error) {
	return db.ResolveLearned(facts, chosen, nil, advised, set)
}

// ResolveLearned is ResolveAdvised with what experiments on this machine have found, as layer Learned. Such a setting may be
// of any key; one that is wrong, because the program has changed since, is left out.
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
