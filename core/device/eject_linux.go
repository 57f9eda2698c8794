package device

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sgIO is SG_IO of the kernel's generic SCSI driver (scsi/sg.h).
const sgIO = 0x2285

// sgHeader is struct sg_io_hdr.
type sgHeader struct {
	interfaceID int32
	direction   int32
	cmdLen      uint8
	maxSenseLen uint8
	iovecCount  uint16
	dataLen     uint32
	data        uintptr
	command     *byte
	sense       *byte
	timeout     uint32 // in milliseconds
	flags       uint32
	packID      int32
	user        uintptr
	status      uint8
	masked      uint8
	msg         uint8
	senseLen    uint8
	host        uint16
	driver      uint16
	resid       int32
	duration    uint32
	info        uint32
}

// ejectCommands are what a person's eject button sends: PREVENT ALLOW MEDIUM REMOVAL with "allow" (SPC-3 section 6.13), then
// START STOP UNIT with the bits LoEj set and Start clear (SBC-3 section 5.25).
var ejectCommands = [][6]byte{{0x1e, 0, 0, 0, 0, 0}, {0x1b, 0, 0, 0, 0x02, 0}}

// Eject tells the disc of a modem in storage mode to eject, by the standard's own commands. A device that reacts to this leaves
// the bus and comes back as a modem.
func Eject(root Root, s StorageDevice) error {
	if s.Listed && !strings.HasPrefix(s.Way, "eject") {
		return errors.New("it needs more than the standard eject: apt-get install usb-modeswitch, and plug it in again")
	}
	node, err := discOf(root, s.Path)
	if err != nil {
		return err
	}
	fd, err := unix.Open(node, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", node, err)
	}
	defer unix.Close(fd)
	for i, command := range ejectCommands {
		var sense [32]byte
		h := sgHeader{interfaceID: 'S', direction: -1, cmdLen: uint8(len(command)), maxSenseLen: uint8(len(sense)), command: &command[0], sense: &sense[0], timeout: 5000}
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), sgIO, uintptr(unsafe.Pointer(&h)))
		last := i == len(ejectCommands)-1
		if errno == unix.ENODEV && last || errno == 0 && last && h.host != 0 {
			return nil // the device left the bus before it answered, as it should
		}
		if errno != 0 {
			return fmt.Errorf("eject %s: %w", node, errno)
		}
	}
	return nil
}

// discOf gives the device node of the disc of a USB device: /dev/sr0, /dev/sdb, or /dev/sg1 where no driver took it.
func discOf(root Root, usbPath string) (string, error) {
	target, err := fs.ReadLink(root.Sys, "bus/usb/devices/"+usbPath)
	if err != nil {
		return "", err
	}
	dir := path.Join("bus/usb/devices", target)
	found := map[string]string{}
	err = fs.WalkDir(root.Sys, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // the device may go away meanwhile
		}
		if up := path.Base(path.Dir(name)); d.IsDir() && (up == "block" || up == "scsi_generic") {
			if found[up] == "" {
				found[up] = path.Base(name)
			}
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	for _, kind := range []string{"block", "scsi_generic"} {
		if name := found[kind]; name != "" {
			node := root.Path(name)
			if _, err := os.Stat(node); err != nil {
				return "", err
			}
			return node, nil
		}
	}
	return "", errors.New("it has no disc yet: is the module usb-storage loaded (modprobe usb-storage)?")
}
