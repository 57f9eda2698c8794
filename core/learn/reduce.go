package learn

import (
	"slices"

	"github.com/knakppp/knak/core/event"
)

// confirm repeats a dial until the sequential test has decided.
func (w *walk) confirm(set []Setting) (up, sure bool) {
	t := w.tally(set)
	for {
		switch {
		case t.works():
			return true, true
		case t.fails():
			return false, true
		}
		if _, ok := w.dial(set, "once more, to be sure"); !ok {
			return false, false
		}
	}
}

// detached undoes the one thing that stays in the modem from one call to the next: the attachment to the packet service.
var detached = []Setting{
	{"at.init+", "AT+CGATT=0", "Undoes what earlier calls left in the modem."},
	{"at.optional+", "AT+CGATT", "Undoes what earlier calls left in the modem."},
}

// without says whether the link comes up with fewer settings. A failure from before any dial had come up does not count: the set
// is dialled again. One failure is enough if earlier dials failed in the same way and no result looks like chance.
func (w *walk) without(set []Setting, what string) (up, sure bool) {
	if w.attached && !slices.ContainsFunc(set, func(s Setting) bool { return s.Key == "registration.attach" }) {
		set = merge(set, detached)
	}
	t := w.tally(set)
	for {
		if t.ups > 0 {
			return w.confirm(set)
		}
		if t.alike >= 1 && !w.noisy || t.after >= 2 {
			return false, true
		}
		if _, ok := w.dial(set, what); !ok {
			return false, false
		}
	}
}

// shrink removes settings that are not needed: first whole groups that were tried together, then single settings of a group.
func (w *walk) shrink(set []Setting) ([]Setting, bool) {
	if len(set) == 0 {
		return set, true
	}
	w.attached = slices.ContainsFunc(set, func(s Setting) bool { return s.Key == "registration.attach" })
	if !slices.ContainsFunc(set, w.shown) {
		if up, sure := w.without(nil, "without any of the settings: are they needed at all?"); !sure {
			return nil, false
		} else if up {
			return w.slowStart(set), true
		}
	}
	var groups [][]Setting // of one reason
	for _, s := range set {
		i := slices.IndexFunc(groups, func(g []Setting) bool { return g[0].Reason == s.Reason })
		if i < 0 {
			groups = append(groups, []Setting{s})
			continue
		}
		groups[i] = append(groups[i], s)
	}
	if len(groups) > 1 {
		var ok bool
		if groups, ok = w.reduce(groups, nil); !ok {
			return nil, false
		}
	}
	for i := range groups {
		if len(groups[i]) == 1 {
			continue
		}
		fixed := slices.Concat(slices.Concat(groups[:i]...), slices.Concat(groups[i+1:]...))
		// Usually the first setting of a variation is enough.
		first := slices.DeleteFunc(slices.Clone(groups[i]), func(s Setting) bool { return !w.shown(s) })
		if len(first) == 0 {
			first = groups[i][:1:1]
		}
		if up, sure := w.without(slices.Concat(first, fixed), "with the first of these only: are the other ones needed?"); !sure {
			return nil, false
		} else if up {
			if len(first) == 1 {
				groups[i] = first
				continue
			}
			groups[i] = first
		}
		var single [][]Setting
		for _, s := range groups[i] {
			single = append(single, []Setting{s})
		}
		single, ok := w.reduce(single, fixed)
		if !ok {
			return nil, false
		}
		groups[i] = slices.Concat(single...)
	}
	return slices.Concat(groups...), true
}

// slowStart keeps at.ready_wait if the modem answered nothing at all at first. The modem has started by now and answers without
// the wait, so no dial can show that the wait is needed. It costs no time when the modem answers.
func (w *walk) slowStart(set []Setting) []Setting {
	if f := w.verdict.Failed; f.Kind != event.FailedModemSilent || f.Answers > 0 {
		return nil
	}
	i := slices.IndexFunc(set, func(s Setting) bool { return s.Key == "at.ready_wait" })
	if i < 0 {
		return nil
	}
	s := set[i]
	s.Reason = "At first the modem answered nothing, and later it did: it may need this long to start."
	return []Setting{s}
}

// shown says whether a setting is known to be needed without one more dial: after the command that at.never leaves out, the modem
// had said nothing more.
func (w *walk) shown(s Setting) bool {
	return s.Key == "at.never+" && w.silenced[s.Value]
}

// reduce removes parts, in halves while there are many (delta debugging, ddmin), until every part that remains is needed beside
// the other parts and the fixed settings.
func (w *walk) reduce(parts [][]Setting, fixed []Setting) ([][]Setting, bool) {
	for step := max(1, (len(parts)+1)/2); ; {
		smaller := false
		for i := 0; i < len(parts) && len(parts)+len(fixed) > 1; {
			to := min(i+step, len(parts))
			taken := parts[i:to]
			if slices.ContainsFunc(slices.Concat(taken...), w.shown) {
				i += step
				continue
			}
			rest := slices.Concat(slices.Concat(parts[:i]...), slices.Concat(parts[to:]...), fixed)
			what := "without " + taken[0][0].String() + ": is it needed?"
			if len(slices.Concat(taken...)) > 1 {
				what = "without some of these: are they needed?"
			}
			up, sure := w.without(rest, what)
			if !sure {
				return nil, false
			}
			if up {
				parts, smaller = slices.Concat(parts[:i:i], parts[to:]), true
				continue
			}
			i += step
		}
		if step == 1 && !smaller {
			return parts, true
		}
		if !smaller || step > (len(parts)+1)/2 {
			step = max(1, min(step-1, (len(parts)+1)/2))
		}
	}
}
