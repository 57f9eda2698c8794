package quirks

import (
	"bufio"
	"fmt"
	"io/fs"
	"strings"
)

// Storage describes a device that first shows itself as a disc with drivers, and becomes a modem when it gets a command.
type Storage struct {
	USB string // vid:pid while it is a disc
	Way string // "eject", "configuration", "message", or the name of a vendor's own way; storage.tsv says what each means
	// A condition on one of its strings, "manufacturer=Yota", if other devices have the same id; manufacturer and product are
	// strings of USB, scsi-vendor and scsi-model those of the disc. Empty: the id is enough.
	When string
}

// StorageMode gives the entries for a USB id that belongs to a modem in storage mode, or none. Some ids are those of the modem as
// well, which then has other interfaces: a device with a tty is not in storage mode. The list is in storage.tsv of the built-in
// files. Each call reads it, which takes less than a millisecond.
func StorageMode(builtin fs.FS, usb string) (list []Storage, err error) {
	f, err := builtin.Open("storage.tsv")
	if err != nil {
		return nil, fmt.Errorf("the list of modems in storage mode: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		id, rest, ok := strings.Cut(lines.Text(), "\t")
		if !ok || !strings.EqualFold(id, usb) {
			continue
		}
		way, when, _ := strings.Cut(rest, "\t")
		list = append(list, Storage{USB: id, Way: way, When: when})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("the list of modems in storage mode: %w", err)
	}
	return list, nil
}
