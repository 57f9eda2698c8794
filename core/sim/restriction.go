package sim

// A scenario may take abilities away from a modem that most modems have; then the modem needs a profile. A scenario must not do
// that against its source. So each such restriction has a name, and Scenario.Restricts says for each which statement of the source
// it rests on.
var restrictions = []struct {
	name string
	is   func(*Scenario) bool
}{
	{"at.silent", func(s *Scenario) bool { return s.AT.Silent }},
	{"at.dtr", func(s *Scenario) bool { return s.AT.DTR == "ignore" }},
	{"at.escape", func(s *Scenario) bool { return s.AT.Escape != "+++" }},
	{"at.escaped", func(s *Scenario) bool { return s.AT.Escaped == "mute" }},
	{"auth.no_challenge", func(s *Scenario) bool { return s.Auth.NoChallenge }},
	{"dial.restart", func(s *Scenario) bool { return s.Dial.Restart }},
	{"line.control", func(s *Scenario) bool { return s.Line.Control == "lost" }},
	{"network.blackhole", func(s *Scenario) bool { return s.Network.Blackhole }},
}

// Restrictions lists the restrictions of the scenario, by the names that Restricts uses.
func (s *Scenario) Restrictions() (list []string) {
	for _, r := range restrictions {
		if r.is(s) {
			list = append(list, r.name)
		}
	}
	return list
}

// restricts checks that the sentences are for what the scenario does.
func (c *checker) restricts(s *Scenario) {
	c.line("stands_for", s.StandsFor)
	for name, why := range s.Restricts {
		path := "restricts." + name
		c.line(path, why)
		known := false
		for _, r := range restrictions {
			known = known || r.name == name
			if r.name == name && !r.is(s) {
				c.fail(path, "the scenario does not take that away")
			}
		}
		if !known {
			var names []string
			for _, r := range restrictions {
				names = append(names, r.name)
			}
			c.fail(path, "is no restriction; there are %v", names)
		}
	}
}
