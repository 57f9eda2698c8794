package read

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/format"
)

// repeated gives the same octets again and again.
type repeated struct {
	b    []byte
	left int64
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), r.left)], r.b[r.at:])
	r.at = (r.at + n) % len(r.b)
	r.left -= int64(n)
	return n, nil
}

func bench(b *testing.B, text []byte) { benchAs(b, text, "") }

func benchAs(b *testing.B, text []byte, format string) {
	b.ReportAllocs()
	const chunk = 8 << 20
	b.SetBytes(chunk)
	before := processorTime()
	n := 0
	for b.Loop() {
		n++
		r, err := Open(&repeated{b: text, left: chunk}, Options{Date: fileTime, Format: format})
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := r.Next(); err != nil {
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
				break
			}
		}
	}
	if spent := processorTime() - before; spent > 0 {
		b.ReportMetric(float64(n)*chunk/1e6/spent.Seconds(), "MB/cpu-s") // on a busy machine the time on the wall says little
	}
}

// BenchmarkLog reads what pppd writes to syslog when it is told to debug.
func BenchmarkLog(b *testing.B) {
	var log bytes.Buffer
	for _, r := range simulated(b, "huawei/e398", "huawei/e398") {
		if p, ok := r.Event.(event.Packet); ok {
			log.WriteString(r.Time.Format("Jan _2 15:04:05") + " box pppd[12]: " + p.Line() + "\n")
		}
	}
	bench(b, log.Bytes())
}

func BenchmarkJSON(b *testing.B) {
	bench(b, jsonLines(b, simulated(b, "huawei/e398", "huawei/e398")))
}

// BenchmarkColdLog reads lines of which none comes twice: packets of pppd, and what else stands in a syslog.
func BenchmarkColdLog(b *testing.B) { bench(b, coldLog()) }

// BenchmarkColdSecrets is the same behind a dial that showed a password, a PIN and identities, which may come again in any line.
func BenchmarkColdSecrets(b *testing.B) {
	const dial = "--> Sending: AT+CPIN=\"4711\"\nOK\n--> Sending: AT+CGSN\n357111000000017\nOK\n--> Sending: AT+CIMI\n262019000000017\nOK\n" +
		"Nov 22 10:00:00 box pppd[12]: sent [PAP AuthReq id=0x1 user=\"web\" password=\"correct horse\"]\n"
	bench(b, append([]byte(dial), coldLog()...))
}

// BenchmarkFormats reads the examples of each format that is a file, again and again.
func BenchmarkFormats(b *testing.B) {
	for _, f := range format.Shipped() {
		var log bytes.Buffer
		for _, e := range f.Examples {
			log.WriteString(e.Log)
		}
		b.Run(f.Name, func(b *testing.B) { benchAs(b, log.Bytes(), f.Name) })
	}
}

func coldLog() []byte {
	var log bytes.Buffer
	for i := range 60000 {
		at := fileTime.Add(time.Duration(i) * time.Second).Format("Jan _2 15:04:05")
		switch i % 5 {
		case 0:
			fmt.Fprintf(&log, "%s box pppd[12]: sent [LCP EchoReq id=0x%x magic=0x%x]\n", at, i&0xff, i*7919)
		case 1:
			fmt.Fprintf(&log, "%s box pppd[12]: rcvd [LCP EchoRep id=0x%x magic=0x%x 00 11 22 33]\n", at, i&0xff, uint32(i*104729))
		case 2:
			fmt.Fprintf(&log, "%s box CRON[%d]: (root) CMD (run-parts --report /etc/cron.hourly/%d)\n", at, i, i)
		case 3:
			fmt.Fprintf(&log, "%s box kernel: [%d.123456] usb 1-1: new high-speed USB device number %d using xhci_hcd\n", at, i, i)
		case 4:
			fmt.Fprintf(&log, "%s box pppd[12]: sent [IPCP ConfReq id=0x%x <addr 10.%d.%d.%d> <ms-dns1 0.0.0.0>]\n", at, i&0xff, i>>16, i>>8&0xff, i&0xff)
		}
	}
	return log.Bytes()
}
