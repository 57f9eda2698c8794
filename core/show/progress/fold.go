package progress

import "time"

// maxCycle is the longest group of lines whose repetition is recognised: a command, two lines of answer, and OK.
const maxCycle = 4

// maxSilence is how long repeated lines may be held back, so that a person sees that time passes.
const maxSilence = 5 * time.Second

// line is one line that may repeat. Lines with equal keys are the same; the key is the text without a packet's identifier.
type line struct {
	time   time.Time
	key    string
	text   string
	starts bool // a repeated group may begin with it: something sent, or something that needs no answer
}

// fold recognises that the last lines repeat, and holds the repetitions back.
type fold struct {
	shown   []string // the keys of the last lines, held ones too, at most maxCycle
	cycle   int      // how many lines make one repetition; 0: nothing is held
	held    []line   // the repetitions: at most two cycles of lines, for they may have to be shown after all
	count   int      // how many lines were held altogether
	skipped int      // how many of them are no longer in held
	since   time.Time
}

// add takes a line. Lines that must be printed before it come out through print and again.
func (f *fold) add(l line, print func(line), again func(at time.Time, times int)) {
	if f.cycle > 0 {
		if l.key == f.shown[len(f.shown)-f.cycle] {
			f.hold(l)
			if l.time.Sub(f.since) >= maxSilence && f.count%f.cycle == 0 && f.count >= 2*f.cycle {
				again(l.time, f.count/f.cycle)
				f.held, f.count, f.skipped, f.since = nil, 0, 0, l.time
			}
			return
		}
		f.flush(print, again)
	}
	for n := 1; n <= len(f.shown); n++ {
		if l.key == f.shown[len(f.shown)-n] && l.starts {
			f.cycle, f.since = n, l.time
			f.hold(l)
			return
		}
	}
	print(l)
	f.remember(l.key)
}

func (f *fold) hold(l line) {
	if len(f.held) >= 2*f.cycle { // certainly folded: only lines that may remain at the end are kept
		f.held, f.skipped = append(f.held[:0], f.held[f.cycle:]...), f.skipped+f.cycle
	}
	f.held = append(f.held, l)
	f.count++
	f.remember(l.key)
}

func (f *fold) remember(key string) {
	if len(f.shown) == maxCycle {
		f.shown = append(f.shown[:0], f.shown[1:]...)
	}
	f.shown = append(f.shown, key)
}

// flush shows what is held: at least two whole repetitions as a count, the rest as it is.
func (f *fold) flush(print func(line), again func(at time.Time, times int)) {
	if f.cycle == 0 {
		return
	}
	show := f.held
	if times := f.count / f.cycle; times >= 2 {
		again(f.held[len(f.held)-1].time, times)
		show = f.held[times*f.cycle-f.skipped:]
	}
	for _, l := range show {
		print(l)
	}
	f.cycle, f.held, f.count, f.skipped = 0, nil, 0, 0
}

// forget makes a repetition begin after this point at the earliest.
func (f *fold) forget() { f.shown = f.shown[:0] }
