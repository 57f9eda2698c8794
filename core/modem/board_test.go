package modem

import (
	"reflect"
	"testing"
	"testing/fstest"
)

func TestReadBoard(t *testing.T) {
	pc := sysfs{}
	pc.file("devices/virtual/dmi/id/sys_vendor", "Acme Inc.")
	pc.file("devices/virtual/dmi/id/product_name", "Gateway 2")
	pc.file("devices/virtual/dmi/id/product_serial", "490154203237518")
	pc.link("class/dmi/id", "devices/virtual/dmi/id")
	arm := sysfs{}
	arm.file("firmware/devicetree/base/compatible", "acme,gateway-2\x00acme,gateway\x00with space\x00ti,am33xx\x00")
	arm.file("class/tty/ttyS0", "")
	odd := sysfs{}
	odd.file("class/dmi/id/sys_vendor", "")
	odd.file("firmware/devicetree/base/model", "a tree without compatible")
	for _, c := range []struct {
		name string
		fs   sysfs
		want Board
	}{
		{"a PC", pc, Board{DMI: "Acme Inc./Gateway 2", NoTree: true}},
		{"a device tree", arm, Board{Compatible: []string{"acme,gateway-2", "acme,gateway", "ti,am33xx"}, NoDMI: true}},
		{"tables that say nothing are not missing", odd, Board{}},
		{"no sysfs: nothing is known", sysfs{}, Board{}},
	} {
		if got := ReadBoard(fstest.MapFS(c.fs)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
