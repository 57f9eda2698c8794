package event

// Fanout is a Sink that hands each record to several, in their order.
type Fanout []Sink

// Record hands r to every sink.
func (f Fanout) Record(r Record) {
	for _, s := range f {
		s.Record(r)
	}
}
