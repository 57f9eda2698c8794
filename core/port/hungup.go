package port

import "errors"

// ErrHungUp means that the other side is gone: the modem was unplugged, or the far end of a pseudo-terminal closed.
var ErrHungUp = errors.New("the port was hung up")
