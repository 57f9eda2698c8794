package hdlc

import (
	"math/rand/v2"
	"testing"
)

func randomInfo(n int) []byte {
	r := rand.New(rand.NewPCG(7, 8))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// benchInfos are different packets, so that the processor cannot learn where one packet's escapes are.
func benchInfos() [][]byte {
	all := randomInfo(64 * 1500)
	var infos [][]byte
	for ; len(all) > 0; all = all[1500:] {
		infos = append(infos, all[:1500:1500])
	}
	return infos
}

var benchACCMs = []struct {
	name string
	accm uint32
}{{"ACCM=0", 0}, {"ACCM=000a0000", 0x000a0000}, {"ACCM=ffffffff", 0xffffffff}}

func BenchmarkEncode(b *testing.B) {
	infos := benchInfos()
	for _, fcs := range []FCS{FCS16, FCS32} {
		for _, m := range benchACCMs {
			b.Run(fcs.String()+"/"+m.name, func(b *testing.B) {
				e := NewEncoder(Config{ACCM: m.accm, FCS: fcs})
				dst := make([]byte, 0, MaxLen(1500))
				b.SetBytes(1500)
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					dst = e.Append(dst[:0], 0x0021, infos[i%64])
					i++
				}
			})
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	infos := benchInfos()
	for _, fcs := range []FCS{FCS16, FCS32} {
		for _, m := range benchACCMs {
			b.Run(fcs.String()+"/"+m.name, func(b *testing.B) {
				e := NewEncoder(Config{ACCM: m.accm, FCS: fcs, ShareFlag: true})
				d := NewDecoder(DecoderConfig{ACCM: m.accm, FCS: fcs})
				var wires [][]byte
				for i := range infos {
					wires = append(wires, e.Append(nil, 0x0021, infos[i]))
				}
				b.SetBytes(1500)
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					item, rest := d.Next(wires[i%64])
					if item.Kind != Frame || len(item.Info) != 1500 || len(rest) != 0 {
						b.Fatalf("%v, %d left, %+v", item.Kind, len(rest), d.Stats())
					}
					i++
				}
			})
		}
	}
}
