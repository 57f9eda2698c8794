// Package share makes of a recording an archive that may be shown to anyone: every record goes through a private.Mask.
package share
