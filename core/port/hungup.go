package port

import "errors"

// ErrHungUp means that the other side is gone: the modem was unplugged, or the far end of a pseudo-terminal closed. It
// stands by itself because a simulated modem knows it on every system; ports themselves are Linux's.
var ErrHungUp = errors.New("the port was hung up")
