// Package bridge lets sdktest serve a plugin in process without an exported way to do so.
package bridge

import "google.golang.org/grpc"

// Register registers the services of an sdk.Plugin; package sdk fills it in.
var Register func(plugin any, s grpc.ServiceRegistrar) error

// ServerOptions are those of every plugin's server; package sdk fills it in.
var ServerOptions func(plugin any) []grpc.ServerOption
