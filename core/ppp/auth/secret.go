package auth

import (
	"fmt"
	"log/slog"
)

const hidden = "<hidden>"

// Secret is a password that does not print: String, every verb of fmt, JSON and slog give <hidden>. The text is behind a pointer,
// so that printing a struct with a Secret in an unexported field shows an address at most. The zero value is the empty secret,
// which is allowed.
type Secret struct {
	text *string
}

// NewSecret makes a Secret of a text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal gives the text. The caller must keep it out of traces, errors, logs and argument lists.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty says whether the secret has no characters.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// String gives <hidden>, also for an empty secret.
func (Secret) String() string { return hidden }

// Format writes <hidden> for every verb and flag.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// MarshalText gives <hidden>.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// UnmarshalText makes the text the secret, unchanged.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

// LogValue gives <hidden>.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
