package quirks

import (
	"bufio"
	"fmt"
	"io/fs"
	"strings"
)

// Storage describes a device that first shows itself as a disc with drivers, and becomes a modem when it is told to.
type Storage struct {
	USB string // vid:pid while it is a disc
	Way string // "eject", "configuration", "message", or a vendor's own by name; storage.tsv says what each means
	// What must be in one of its strings, "manufacturer=Yota", where other devices have the id too; manufacturer and product are
	// strings of USB, scsi-vendor and scsi-model those of the disc. Empty: the id alone says it.
	When string
}

// StorageMode gives what is known of a USB id as that of a modem in storage mode, nothing where it is not known as one. Some
// ids are those of the modem as well, which then has other interfaces: a device that has a tty is not in storage mode. The
// list is in storage.tsv of the built-in files and is read when it is asked for, which takes less than a millisecond.
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
