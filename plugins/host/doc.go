// Package host is knak's side of external plugins. It starts a second program, knak-pluginhost, which runs them, and asks
// them through it: Host is an advice.Adviser and an event.Sink.
//
// Why a second program: gRPC and protobuf would make every start of knak a fifth slower and its idle process 0.6 MB larger,
// also where no plugin is used; a fault in what parses a plugin's octets does not touch the link; and it outlives a knak
// that was killed for as long as it takes to end the plugins and to remove their sockets. See
// docs/decisions/0011-plugin-host.md. So this package must import neither gRPC nor protobuf nor go-plugin; package serve,
// which is in the second program only, does.
package host
