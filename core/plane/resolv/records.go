package resolv

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/knakppp/knak/core/foreign"
)

// This file is the records of links in resolvconf(8), which keeps them until it is told otherwise or the machine is
// restarted: a link that was killed would stay the host's resolver. Who has made which stands in a directory that lasts as
// long as they do.

// maxOwner is the greatest size of the note about a record's owner.
const maxOwner = 4096

func (h Host) recordsDir() string { return filepath.Join(h.run(), "knak", "resolvconf") }

// noteRecord remembers, before a record is made, that it is this process's.
func (h Host) noteRecord(record string) error {
	if err := os.MkdirAll(h.recordsDir(), 0o700); err != nil {
		return err
	}
	text, err := json.Marshal(self())
	if err != nil {
		return err
	}
	return foreign.Replace(filepath.Join(h.recordsDir(), record), text, 0o600)
}

func (h Host) forgetRecord(record string) error {
	if err := os.Remove(filepath.Join(h.recordsDir(), record)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// deadRecords lists the records whose process has ended.
func (h Host) deadRecords() (list []string, err error) {
	entries, err := os.ReadDir(h.recordsDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), recordSuffix) {
			continue
		}
		var o owner
		text, err := foreign.Read(filepath.Join(h.recordsDir(), e.Name()), foreign.Rules{Limit: maxOwner})
		if err == nil {
			err = json.Unmarshal(text, &o)
		}
		if err != nil || !runs(o) {
			list = append(list, e.Name())
		}
	}
	return list, err
}

// dropRecord removes a record of a link that was killed.
func (h Host) dropRecord(ctx context.Context, record string) error {
	path, err := h.program("resolvconf")
	if err == nil {
		err = run(ctx, "", path, "-d", record)
	}
	if err != nil && !errors.Is(err, ErrUnavailable) { // without the program there are no records
		return err
	}
	return h.forgetRecord(record)
}
