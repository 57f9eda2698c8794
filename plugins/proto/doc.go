// Package proto holds the protocol between knak and its plugins: knak/plugin/v1 is the current major. What is in released.binpb
// is never removed or given another meaning: fields, enum values and calls are only added, and a side that does not know one
// ignores it. `make proto` lints, compares and generates; docs/decisions/0010-plugins.md says why.
package proto
