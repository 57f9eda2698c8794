package doctor

import (
	"fmt"
	"strings"

	"github.com/knakppp/knak/core/rights"
)

// checkRights says what a dial of this user keeps and gives up.
func checkRights() []checkup {
	var parts []string
	if has, err := rights.Effective(); err == nil && len(has) > 0 {
		keeps, drops := rights.Keeps(has)
		if len(keeps) > 0 {
			parts = append(parts, "a dial keeps "+strings.Join(keeps, " "))
		}
		parts = append(parts, fmt.Sprintf("gives up %d other capabilities", drops))
	} else {
		parts = append(parts, "a dial has no capability")
	}
	parts = append(parts, "its memory is not to be read or dumped",
		fmt.Sprintf("where it starts no program (--plane stack or none; or --hooks none, no plugins, and name servers by file) the kernel refuses it %d system calls: those that start programs, trace, mount, load modules and the like", len(rights.Refused())))
	return []checkup{{Name: "rights", State: "ok", Text: strings.Join(parts, "; ")}}
}
