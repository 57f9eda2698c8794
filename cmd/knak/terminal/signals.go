package terminal

import (
	"os"
	"syscall"
)

// EndSignals are the signals on which a dial hangs up and gives everything back. SIGPIPE is one of them: it comes when
// the program that read our output has gone, and its default action would end knak before it could do that.
var EndSignals = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE}
