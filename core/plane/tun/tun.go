//go:build linux

// Package tun carries the packets of a TUN device: Read gives those that the host's kernel sends; those passed to Write appear in
// the kernel as received. It allocates nothing per packet.
package tun

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Path is where the kernel offers TUN devices.
const Path = "/dev/net/tun"

// batch is the greatest number of packets that one Read gives, so that its caller can pass them on.
const batch = 64

// enough is the number of packets after which Read returns instead of asking the kernel for more, which costs a system call.
const enough = 16

// Why this host cannot have a device. Open's errors match them with errors.Is.
var (
	ErrUnsupported  = errors.New("the kernel offers no TUN devices")
	ErrNotPermitted = errors.New("making a TUN device needs root or CAP_NET_ADMIN")
	ErrName         = errors.New("not a name for a network interface")
)

// Device is a TUN device. It exists as long as it is open, unless it is persistent. Read belongs to one goroutine; any goroutine
// may call Write and Close.
type Device struct {
	name string
	file *os.File
	raw  syscall.RawConn

	// One buffer and one closure for each use, made once: closures made for a call would be allocated for each packet.
	in       []byte
	readWait func(fd uintptr) bool
	readNow  func(fd uintptr) bool
	readN    int
	readErr  error
	split    splitter

	writing  sync.Mutex
	kept     coalescer
	alone    []byte // a packet that is not coalesced, behind an empty vnet header
	single   bool   // the kernel took no train: no more of them
	out      []byte
	writeNow func(fd uintptr) bool
	writeErr error
}

// Open makes a TUN device, or takes an existing one that nobody holds open. The name may hold one %d, which the kernel
// replaces by the first free number. The device is down and has no address.
func Open(name string) (*Device, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	fd, err := unix.Open(Path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, explain("open "+Path, err)
	}
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("%q: %w", name, ErrName)
	}
	// IFF_NO_PI: packets as they are, without four octets of flags and protocol in front.
	// IFF_VNET_HDR: trains of TCP segments as one packet, see offload.go.
	ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		unix.Close(fd)
		return nil, explain("make the TUN device "+name, err)
	}
	// A kernel that refuses gives us single packets with their checksums.
	_ = unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, unix.TUN_F_CSUM|unix.TUN_F_TSO4|unix.TUN_F_TSO6)
	// The descriptor does not block, so os.File waits in the runtime's poller: Close wakes a waiting Read.
	file := os.NewFile(uintptr(fd), Path)
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, err
	}
	d := &Device{name: ifr.Name(), file: file, raw: raw, in: make([]byte, vnetHead+maxPacket)}
	d.kept.buf = make([]byte, vnetHead, vnetHead+maxPacket)
	d.split.out = make([]byte, 0, maxPacket)
	d.alone = make([]byte, vnetHead, vnetHead+maxPacket)
	d.readWait = func(fd uintptr) bool { d.read(fd); return d.readErr != unix.EAGAIN }
	d.readNow = func(fd uintptr) bool { d.read(fd); return true }
	d.writeNow = func(fd uintptr) bool {
		_, d.writeErr = transfer(unix.SYS_WRITE, fd, d.out)
		return true
	}
	return d, nil
}

// Name is the interface's name.
func (d *Device) Name() string { return d.name }

// Read waits for packets that the kernel sends and calls each for every packet that is there. It returns when there are no more,
// when each returns false, or after 64 packets. A packet is valid only during its call. After Close it returns net.ErrClosed.
func (d *Device) Read(each func(packet []byte) (more bool)) error {
	for n := 0; ; {
		for p := d.split.next(); p != nil; p = d.split.next() {
			// each is not called from inside RawConn.Read: that would make Close wait for it.
			if n++; !each(p) || n == batch {
				return nil
			}
		}
		if n >= enough {
			return nil
		}
		wait := d.readNow
		if n == 0 {
			wait = d.readWait
		}
		// RawConn itself fails only when the file is closed; what the kernel says is in readErr.
		if err := d.raw.Read(wait); err != nil {
			return net.ErrClosed
		}
		switch d.readErr {
		case nil:
			d.split.load(d.in[:d.readN])
		case unix.EAGAIN:
			return nil
		default:
			return fmt.Errorf("read from %s: %w", d.name, d.readErr)
		}
	}
}

func (d *Device) read(fd uintptr) { d.readN, d.readErr = transfer(unix.SYS_READ, fd, d.in) }

// Write gives the kernel a packet as received on the interface, or keeps it back until Flush. If the kernel does not take it (it
// is malformed, the interface is down, there is no memory), it is dropped without an error.
func (d *Device) Write(packet []byte) error {
	if len(packet) == 0 || len(packet) > maxPacket {
		return nil
	}
	d.writing.Lock()
	defer d.writing.Unlock()
	seg, ok := parseSegment(packet)
	if ok && d.kept.overtakes(packet, seg) {
		d.kept.start(packet, seg)
		return nil
	}
	if ok && d.kept.extend(packet, seg) {
		return nil
	}
	if err := d.flush(); err != nil {
		return err
	}
	if ok && (!d.single || seg.pure) {
		d.kept.start(packet, seg)
		return nil
	}
	_, err := d.write(append(d.alone[:vnetHead], packet...))
	return err
}

// Flush gives the kernel the packets that Write kept back.
func (d *Device) Flush() error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.flush()
}

func (d *Device) flush() error {
	if d.kept.count == 0 {
		return nil
	}
	train := d.kept.count > 1
	taken, err := d.write(d.kept.finish())
	if train && !taken {
		d.single = d.writeErr == unix.EINVAL // TCP sends again what was lost
	}
	return err
}

// write tells whether the kernel took the packet; only an error ends the device.
func (d *Device) write(b []byte) (taken bool, err error) {
	d.out = b
	err = d.raw.Write(d.writeNow)
	d.out = nil
	if err != nil {
		return false, net.ErrClosed
	}
	switch d.writeErr {
	case nil:
		return true, nil
	case unix.EINVAL, unix.EIO, unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM:
		return false, nil
	}
	return false, fmt.Errorf("write to %s: %w", d.name, d.writeErr)
}

// Close ends Read and removes the device from the kernel, with its addresses and routes.
func (d *Device) Close() error {
	if err := d.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// transfer reads or writes without telling the scheduler, which would take the call for one that may last and hand this
// thread's work to another one and back. A descriptor that does not block never lasts. b must not be empty.
func transfer(call, fd uintptr, b []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(call, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

func explain(doing string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w: %w", doing, ErrNotPermitted, err)
	case err == unix.ENOENT, err == unix.ENODEV, err == unix.ENXIO:
		return fmt.Errorf("%s: %w: %w", doing, ErrUnsupported, err)
	case err == unix.EBUSY:
		return fmt.Errorf("%s: another program holds it: %w", doing, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// CheckName says whether an interface may have this name. The rules are those of the kernel's dev_valid_name; in addition, a % is
// only allowed in the one %d.
func CheckName(name string) error {
	if name == "" || len(name) >= unix.IFNAMSIZ || name == "." || name == ".." || strings.ContainsAny(name, "/: \t\n\v\f\r\x00") {
		return fmt.Errorf("%q: %w: 1 to 15 characters without blanks, / and :", name, ErrName)
	}
	if n := strings.Count(name, "%"); n > 1 || n == 1 && !strings.Contains(name, "%d") {
		return fmt.Errorf("%q: %w: at most one %%d", name, ErrName)
	}
	return nil
}
