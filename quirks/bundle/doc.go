// Package bundle reads, checks and installs signed updates of the quirk database. A bundle is a tar file with a manifest, and
// beside it a detached signature in minisign's format. What it may say is decided by package quirks, for the layer Update:
// tuning keys of devices, never AT commands, and nothing but files of that kind.
package bundle
