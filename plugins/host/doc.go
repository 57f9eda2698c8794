// Package host is knak's side of external plugins. It starts a second program, knak-pluginhost, which runs the plugins. Host is an
// advice.Adviser and an event.Sink: it passes questions and events on to that program.
//
// There are three reasons for a second program. gRPC and protobuf would make every start of knak a fifth slower and its idle
// process 0.6 MB larger, even without plugins. A mistake in parsing a plugin's octets does not reach the link. And when knak is
// killed, the second program lives long enough to end the plugins and to remove their sockets. See
// docs/decisions/0011-plugin-host.md. So this package must import neither gRPC nor protobuf nor go-plugin; package serve does,
// which only the second program contains.
package host
