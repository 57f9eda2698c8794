package serve

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// maxProblems is the greatest number of mistakes of a configuration that are reported.
const maxProblems = 5

// noLoader keeps a schema from reading files: a $ref leads into the schema itself or nowhere.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("it refers to %s, and only what stands in it is looked at", url)
}

// checkConfig compares a plugin's block of the configuration, a JSON object or nothing, with the JSON Schema that the plugin
// gave. badSchema is the plugin's fault, problems are the user's.
func checkConfig(schema, config string) (problems []string, badSchema error) {
	if config == "" {
		config = "{}"
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(config))
	if err != nil {
		return []string{err.Error()}, nil
	}
	if schema == "" {
		if object, ok := value.(map[string]any); ok && len(object) > 0 {
			return []string{"the plugin takes no configuration"}, nil
		}
		return nil, nil
	}
	const name = "knak:schema"
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(schema)))
	if err != nil {
		return nil, fmt.Errorf("its JSON Schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	if err := c.AddResource(name, parsed); err != nil {
		return nil, fmt.Errorf("its JSON Schema: %w", err)
	}
	compiled, err := c.Compile(name)
	if err != nil {
		return nil, fmt.Errorf("its JSON Schema: %w", err)
	}
	var invalid *jsonschema.ValidationError
	switch err := compiled.Validate(value); {
	case err == nil:
		return nil, nil
	case !errors.As(err, &invalid):
		return []string{err.Error()}, nil
	}
	return leaves(invalid, message.NewPrinter(language.English)), nil
}

// leaves gives the faults themselves, each with the key where it is.
func leaves(e *jsonschema.ValidationError, p *message.Printer) []string {
	if len(e.Causes) == 0 {
		text := e.ErrorKind.LocalizedString(p)
		if len(e.InstanceLocation) > 0 {
			text = strings.Join(e.InstanceLocation, ".") + ": " + text
		}
		return []string{text}
	}
	var list []string
	for _, c := range e.Causes {
		for _, text := range leaves(c, p) {
			if !slices.Contains(list, text) && len(list) < maxProblems {
				list = append(list, text)
			}
		}
	}
	return list
}
