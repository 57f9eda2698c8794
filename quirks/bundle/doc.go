// Package bundle reads, checks and installs signed updates of the quirk database. A bundle is a tar file with a manifest; a
// detached signature in minisign's format stands beside it. Package quirks decides what a bundle may contain, for the layer
// Update: tuning keys of devices, never AT commands, and no other files.
package bundle
