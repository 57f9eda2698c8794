package bundle

import "fmt"

// builtin are the project's public keys, as the last line of minisign's file: the current one, and the next, so that one
// can follow the other without a release in between. Both are empty: the project has not made its keys yet. SECURITY.md
// says how they are made, kept and changed.
var builtin = [2]string{"", ""}

// BuiltinKeys gives the keys that this build trusts without being told to. There are none until the project has a
// signing key.
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
