package bundle

import "fmt"

// builtin are the project's public keys, each the last line of minisign's file: the current one, and the next, so that the project
// can change keys without a release in between. Both are empty: the project has not made its keys yet. SECURITY.md says how they
// are made, kept and changed.
var builtin = [2]string{"", ""}

// BuiltinKeys gives the keys that this build trusts by default. There are none until the project has a signing key.
func BuiltinKeys() ([]Key, error) {
	var keys []Key
	for i, text := range builtin {
		if text == "" {
			continue
		}
		k, err := ParseKey([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("built-in key %d: %w", i+1, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}
