package learn

import (
	"slices"

	"github.com/knakppp/knak/core/event"
)

// confirm repeats a dial until the sequential test has come to an end.
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

// detached undoes what stays in the modem from one call to the next: that it was told to attach to packet service.
var detached = []Setting{
	{"at.init+", "AT+CGATT=0", "What calls before have left in the modem is undone."},
	{"at.optional+", "AT+CGATT", "What calls before have left in the modem is undone."},
}

// without says whether the link comes up with fewer settings. What failed before anything had come up shows nothing: it
// is dialled again. One failure suffices where dials failed alike before, and nothing looks like chance.
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

// shrink takes away what is not needed: first what was tried together, then within that.
func (w *walk) shrink(set []Setting) ([]Setting, bool) {
	if len(set) == 0 {
		return set, true
	}
	w.attached = slices.ContainsFunc(set, func(s Setting) bool { return s.Key == "registration.attach" })
	if !slices.ContainsFunc(set, w.shown) {
		if up, sure := w.without(nil, "without anything: is it needed at all?"); !sure {
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
		// Mostly what is named first does it alone.
		first := slices.DeleteFunc(slices.Clone(groups[i]), func(s Setting) bool { return !w.shown(s) })
		if len(first) == 0 {
			first = groups[i][:1:1]
		}
		if up, sure := w.without(slices.Concat(first, fixed), "without the rest of these: is it needed?"); !sure {
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

// slowStart keeps the wait for a modem that answered nothing at all at first, and by now answers without: it has started meanwhile, and
// that cannot be shown again without a restart. The wait costs nothing where the modem answers.
func (w *walk) slowStart(set []Setting) []Setting {
	if f := w.verdict.Failed; f.Kind != event.FailedModemSilent || f.Answers > 0 {
		return nil
	}
	i := slices.IndexFunc(set, func(s Setting) bool { return s.Key == "at.ready_wait" })
	if i < 0 {
		return nil
	}
	s := set[i]
	s.Reason = "At first the modem answered nothing, and later it did: it may need so long to start."
	return []Setting{s}
}

// shown says that it was seen without any further dial that a setting is needed: a modem that a command silenced goes on where the
// command is not sent.
func (w *walk) shown(s Setting) bool {
	return s.Key == "at.never+" && w.silenced[s.Value]
}

// reduce takes away parts, in halves while there are many (delta debugging, ddmin), until each that remains is needed beside
// the others and what is fixed.
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
