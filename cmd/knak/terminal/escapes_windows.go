package terminal

import (
	"os"

	"golang.org/x/sys/windows"
)

// takesEscapes makes a console take the escape sequences of ECMA-48, as those of Windows 10 and later do when they are asked to;
// others would show them.
func takesEscapes(f *os.File) bool {
	var mode uint32
	console := windows.Handle(f.Fd())
	return windows.GetConsoleMode(console, &mode) == nil && windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
