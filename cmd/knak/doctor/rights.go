package doctor

import (
	"github.com/knakppp/knak/core/rights"
)

// checkRights says what a dial of this user keeps and gives up.
func checkRights() []checkup {
	return []checkup{{Name: "rights", State: "ok", Text: rights.Story()}}
}
