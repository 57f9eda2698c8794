// Package proto holds the protocol between knak and its plugins; knak/plugin/v1 is the current major version. Nothing in
// released.binpb is ever removed or given another meaning: fields, enum values and calls are only added, and a side ignores those
// that it does not know. `make proto` lints, compares and generates. docs/decisions/0010-plugins.md gives the reasons.
package proto
