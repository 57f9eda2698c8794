package sim

// What a scenario takes away from a modem that others have makes it need a profile. So that nobody writes a modem that
// needs one by taking away what its source grants, each such thing has a name, and Scenario.Restricts says for it what in the
// source takes it away.
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

// Restrictions lists what the scenario takes away from the modem, by the names that Restricts has.
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
