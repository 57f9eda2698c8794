// Command knak-pluginhost runs external plugins for knak, which starts it where the configuration names a plugin.
package main

import (
	"os"

	"github.com/knakppp/knak/plugins/host/serve"
)

func main() { os.Exit(serve.Main(os.Stderr)) }
