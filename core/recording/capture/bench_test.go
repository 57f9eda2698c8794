package capture

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/recording/source"
)

// recording makes a long recording on the fly: after its beginning the same chunks again and again.
type recording struct {
	begin, chunk []byte
	left         int64 // octets still to come, at least
	rest         []byte
}

func (r *recording) Read(p []byte) (int, error) {
	total := 0
	for total < len(p) {
		if len(r.rest) == 0 {
			switch {
			case r.begin != nil:
				r.rest, r.begin = r.begin, nil
			case r.left > 0:
				r.rest = r.chunk
			case total == 0:
				return 0, io.EOF
			default:
				return total, nil
			}
		}
		n := copy(p[total:], r.rest)
		total, r.rest, r.left = total+n, r.rest[n:], r.left-int64(n)
	}
	return total, nil
}

// dataFrames are frames of random octets, mostly long, as a call's data is.
func dataFrames() [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	var frames [][]byte
	for i := range 256 {
		info := make([]byte, []int{1500, 1500, 1500, 576, 1500, 40}[i%6])
		for j := range info {
			info[j] = byte(random.Uint32())
		}
		info[0] = 0x45
		frames = append(frames, info)
	}
	return frames
}

// recordings are a gibibyte, or what size says, of each binary format.
func recordings(size int64) map[string]struct {
	format source.Format
	r      *recording
} {
	var stream []byte
	e := hdlc.NewEncoder(hdlc.Config{ACFC: true, PFC: true, ShareFlag: true})
	var frames, pppd []byte
	for _, f := range dataFrames() {
		stream = e.Append(stream, packet.IP, f)
		frames = appendBlock(frames, append([]byte{1, 0x21}, f...))
	}
	for b := stream; len(b) > 0; { // as pppd reads: not by frames
		n := min(len(b), 1024)
		pppd = append(pppd, itemShort, 1, itemRcvd)
		pppd = append(binary.BigEndian.AppendUint16(pppd, uint16(n)), b[:n]...)
		b = b[n:]
	}
	type input = struct {
		format source.Format
		r      *recording
	}
	return map[string]input{
		"pppd-record": {pppdRecordFormat, &recording{begin: []byte{itemTime, 0x60, 0, 0, 0}, chunk: pppd, left: size}},
		"pcapng":      {pcapngFormat, &recording{begin: pcapngHead(linkPPPWithDir), chunk: frames, left: size}},
	}
}

// pcapngHead is a section with one interface.
func pcapngHead(link uint16) []byte {
	b := binary.LittleEndian.AppendUint32(nil, blockSection)
	b = binary.LittleEndian.AppendUint32(b, 28)
	b = binary.LittleEndian.AppendUint32(b, byteOrderMagic)
	b = append(b, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 28, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, blockInterface)
	b = binary.LittleEndian.AppendUint32(b, 20)
	b = binary.LittleEndian.AppendUint16(b, link)
	return append(b, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0)
}

func appendBlock(b, data []byte, options ...byte) []byte {
	n := uint32(32 + (len(data)+3)&^3 + len(options))
	b = binary.LittleEndian.AppendUint32(b, blockPacket)
	b = binary.LittleEndian.AppendUint32(b, n)
	b = append(b, 0, 0, 0, 0)                               // interface
	b = append(b, 0x10, 0x20, 0x05, 0x00, 0x99, 0x88, 7, 6) // time
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = append(b, data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return binary.LittleEndian.AppendUint32(append(b, options...), n)
}

// BenchmarkRecording decodes a recording of data frames for each operation, and says how much memory that takes.
func BenchmarkRecording(b *testing.B) {
	const size = 1 << 30
	for name := range recordings(size) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			peak := uint64(0)
			for b.Loop() {
				in := recordings(size)[name]
				s := in.format.Open(source.NewInput(in.r), source.Config{})
				frames := 0
				for {
					r, err := s.Next()
					if errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
					if _, ok := r.Event.(event.Data); ok {
						frames++
					}
				}
				if frames < size/2000 {
					b.Fatalf("%d frames", frames)
				}
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.Sys)
			}
			b.ReportMetric(float64(peak)/(1<<20), "MiB-from-system")
		})
	}
}
