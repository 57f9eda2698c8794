package main

import (
	"bytes"
	"syscall/js"
	"time"

	"github.com/knakppp/knak/core/inspect"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/recording/unwrap"
	"github.com/knakppp/knak/core/share"
)

func main() {
	js.Global().Set("knak", js.FuncOf(func(this js.Value, args []js.Value) any {
		b := make([]byte, args[0].Length())
		js.CopyBytesToGo(b, args[0])
		var list []*inspect.Recording
		unwrap.Walk(unwrap.Input{Name: "x", Reader: bytes.NewReader(b)}, unwrap.Limits{}, func(p unwrap.Part, err error) error {
			r, err := read.Open(p, read.Options{})
			if err != nil {
				return err
			}
			rec, err := inspect.Read(r, "x")
			if err == nil {
				list = append(list, rec)
			}
			return err
		})
		var out bytes.Buffer
		inspect.Page(list, "x", time.Now()).HTML(&out)
		r, _ := read.Open(bytes.NewReader(b), read.Options{})
		inspect.Bundle(&out, r, time.Now(), share.Facts{})
		return out.String()
	}))
	select {}
}
