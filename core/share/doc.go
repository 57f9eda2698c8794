// Package share makes an archive of a recording that may be shown to anyone: every record goes through a private.Mask.
package share
