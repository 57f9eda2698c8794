package terminal

import (
	"os"
	"syscall"
)

// EndSignals end a dial in order. SIGPIPE is among them: whoever read what we say has gone, and with its default action
// nothing would be hung up and given back.
var EndSignals = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE}
