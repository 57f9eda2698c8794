package diagnose

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/sentence"
	"github.com/knakppp/knak/quirks"
)

// allCures are the cures of every rule and of every case.
func allCures() []string {
	var all []string
	for _, r := range slices.Concat(rules[:]...) {
		all = append(all, r.cure...)
	}
	for _, r := range sentence.Causes() {
		all = append(all, r.Cure...)
	}
	for _, c := range ruleCases {
		for _, f := range judge(c.positive).Findings() {
			all = append(all, f.Cure...)
		}
	}
	return all
}

// What a finding tells a person to type must be accepted: every --set key with its value, and every flag.
func TestCuresCanBeTyped(t *testing.T) {
	db, problems := quirks.Open(quirks.Sources{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	set := regexp.MustCompile(`--set (\S+=\S+)`)
	flag := regexp.MustCompile(`--([a-z-]+)`)
	flags := []string{"set", "auth", "local-address", "peer-address", "port", "baud", "apn", "user", "password-file", "number", "pin-file", "quirks", "persist", "timeout", "default-route", "plane", "allow-address", "inhibit"}
	settings := 0
	for _, cure := range allCures() {
		for _, m := range set.FindAllStringSubmatch(cure, -1) {
			settings++
			kv := strings.Replace(strings.TrimRight(m[1], ";,"), "ADDRESS", "192.0.2.1", 1)
			if _, err := db.Resolve(quirks.Facts{}, "", []string{kv}); err != nil {
				t.Errorf("%s: %v", cure, err)
			}
		}
		for _, m := range flag.FindAllStringSubmatch(cure, -1) {
			if !slices.Contains(flags, m[1]) {
				t.Errorf("%s: no flag --%s", cure, m[1])
			}
		}
	}
	if settings < 10 {
		t.Errorf("only %d settings found in the cures: the test does not read them", settings)
	}
}

func TestNoCureTwice(t *testing.T) {
	for _, c := range ruleCases {
		for _, f := range judge(c.positive).Findings() {
			for i, cure := range f.Cure {
				if slices.Contains(f.Cure[:i], cure) {
					t.Errorf("%s says twice: %s", f.ID, cure)
				}
			}
		}
	}
}
