package sim

import (
	"errors"

	"github.com/knakppp/knak/core/strict"
)

// ParseError is a mistake in a scenario file, with its place.
type ParseError = strict.Error

// maxScenario is the greatest size of a scenario file, in octets. The largest of the project has a fiftieth of it.
const maxScenario = 1 << 18

// Parse reads a scenario strictly: an unknown key, a wrong type or a value out of range is an error that names file,
// line, column, and what is allowed. The error is one or more *ParseError, joined.
func Parse(file string, text []byte) (Scenario, error) {
	s := defaults()
	if err := strict.Decode(file, text, maxScenario, &s); err != nil {
		return Scenario{}, err
	}
	c := &checker{file: file, places: strict.Find(text)}
	c.scenario(&s)
	if len(c.errs) > 0 {
		return Scenario{}, errors.Join(c.errs...)
	}
	return s, nil
}
