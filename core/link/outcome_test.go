package link

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/event"
)

// Every word for a failure that the event stream knows has an exit status: none may fall to "fatal" by being forgotten.
func TestEveryFailureHasAnExitCode(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../event/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	words := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Failed") {
			return true
		}
		word, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		words++
		if !slices.ContainsFunc(exits, func(e exit) bool { return e.kind == Kind(word) }) {
			t.Errorf("trace.%s (%q) has no exit code", spec.Names[0].Name, word)
		}
		return true
	})
	if words < 20 {
		t.Errorf("only %d failure words found: does this test still read the right file?", words)
	}
}

// docs/cli.md: 19 also where a refusal shows only after a provisional success (AUTH-02), and only there.
func TestALateRefusalIsAnAuthenticationFailure(t *testing.T) {
	for _, c := range []struct {
		o    Outcome
		want ExitCode
	}{
		{Outcome{Kind: KindCarrierLost, Phase: event.PhaseIPCP, Provisional: true}, ExitAuth},
		{Outcome{Kind: KindCarrierLost, Phase: event.PhaseIPCP}, ExitModemHangup},
		{Outcome{Kind: KindCarrierLost, Phase: event.PhaseUp, Provisional: true}, ExitModemHangup},
		{Outcome{Kind: event.FailedTerminated, Phase: event.PhaseIPCP, Provisional: true}, ExitAuth},
		{Outcome{Kind: event.FailedTerminated, Phase: event.PhaseIPCP}, ExitNegotiation},
		{Outcome{Kind: event.FailedTimeout, Phase: event.PhaseLCP}, ExitNegotiation},
		{Outcome{Kind: KindCarriesNone, Phase: event.PhaseProve, Provisional: true}, ExitCarriesNoData},
		{Outcome{Kind: "a word that nobody knows"}, ExitFatal},
	} {
		if got := c.o.ExitCode(); got != c.want {
			t.Errorf("%+v: exit code %d, want %d", c.o, got, c.want)
		}
	}
}

// Every exit code has a meaning that people are told.
func TestEveryExitCodeHasAMeaning(t *testing.T) {
	told := map[ExitCode]bool{}
	for i, m := range ExitMeanings {
		told[m.Code] = m.Meaning != ""
		if i > 0 && m.Code <= ExitMeanings[i-1].Code {
			t.Errorf("%d does not stand behind %d", m.Code, ExitMeanings[i-1].Code)
		}
	}
	for _, row := range exits {
		if !told[row.code] || !told[row.late] {
			t.Errorf("%s ends with %d or %d, of which nobody is told", row.kind, row.code, row.late)
		}
	}
}
