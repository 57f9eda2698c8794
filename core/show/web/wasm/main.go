//go:build js

// The program that a browser runs: it reads what a person gives to the page, and gives the worker of the page
// (page/worker.js) texts and octets. It opens nothing, and the page that holds it may open no connection.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall/js"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/inspect"
	"github.com/knakppp/knak/core/recording/format"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/recording/unwrap"
	"github.com/knakppp/knak/core/share"
)

// Set by the linker.
var (
	version  = "devel"
	profiles = "" // the names of the profiles that come with knak, with commas between
)

// limits bound what a page takes, so that a bomb has an end: what is longer is for knak at a prompt.
var limits = unwrap.Limits{Parts: 50, Part: 250e6, Total: 250e6, Nested: 32e6}

func main() {
	p := &page{}
	js.Global().Set("knak", js.ValueOf(map[string]any{
		"limit":  limits.Part,
		"kinds":  strings.Join(read.Names(), " "),
		"add":    p.function(p.add),
		"draw":   p.function(p.draw),
		"save":   p.function(p.save),
		"bundle": p.function(p.bundle),
	}))
	select {} // until the worker ends
}

// page is what was read so far.
type page struct {
	held    []held
	formats []*format.Format // that were given to the page
}

// held is one recording.
type held struct {
	*inspect.Recording
	name string
	at   int // which of the recordings in its input
}

// function makes f callable from the worker. An error is given as an object that has it.
func (p *page) function(f func(args []js.Value) (any, error)) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		v, err := f(args)
		if err != nil {
			return map[string]any{"error": event.Printable(strings.ReplaceAll(err.Error(), "\n", "; "))}
		}
		return v
	})
}

// part is what the page shows of one recording in its list.
type part struct {
	ID       int    `json:"id"` // for draw, save and bundle; -1: nothing to draw
	Name     string `json:"name"`
	Sentence string `json:"sentence"` // the verdict, or why there is none
	Good     bool   `json:"good"`
	Finding  string `json:"finding,omitempty"` // the id of the first
}

// add reads an input, which may hold several recordings, and judges each: add(input) gives a list of part as JSON. A file that ends
// in .toml is a format for what is read after it.
func (p *page) add(args []js.Value) (any, error) {
	in := inputOf(args[0])
	var list []part
	if strings.HasSuffix(in.Name, ".toml") && in.Size <= format.MaxFile {
		text, err := io.ReadAll(in.Reader)
		if err != nil {
			return nil, err
		}
		f, err := format.Parse(in.Name, text)
		if err != nil {
			return nil, err
		}
		p.formats = append(p.formats, f)
		out, err := json.Marshal([]part{{ID: -1, Name: event.Printable(in.Name), Sentence: "It is a format (" + event.Printable(f.Title) + "). Logs that are given from now on may have it."}})
		return string(out), err
	}
	at := 0
	err := unwrap.Walk(in, limits, func(u unwrap.Part, err error) error {
		at++
		if err != nil {
			list = append(list, part{ID: -1, Name: event.Printable(u.Name), Sentence: event.Printable(err.Error())})
			return nil
		}
		list = append(list, p.judge(u, at, args[0]))
		return nil
	})
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(list)
	return string(out), err
}

func (p *page) judge(u unwrap.Part, at int, input js.Value) part {
	out := part{ID: -1, Name: event.Printable(u.Name)}
	left, _ := u.Reader.(*io.LimitedReader) // of how long a recording may be
	r, err := p.open(u, input)
	if err != nil {
		out.Sentence = err.Error()
		return out
	}
	rec, err := inspect.Read(r, out.Name)
	switch {
	case err != nil:
		out.Sentence = event.Printable(err.Error())
		return out
	case rec.Summary.Bytes == 0:
		out.Sentence = "It is empty."
		return out
	case rec.Verdict.Told == 0:
		out.Sentence = rec.Verdict.Sentence() + " It was read as: " + rec.Summary.String() + "."
		return out
	}
	out.ID, out.Sentence, out.Good = len(p.held), rec.Verdict.Sentence(), rec.Drawn.Good
	if len(rec.Verdict.Findings) > 0 {
		out.Finding = rec.Verdict.Findings[0].ID
	}
	if left != nil && left.N <= 0 {
		out.Sentence += " (Only its beginning was read: it is longer than this page takes.)"
	}
	p.held = append(p.held, held{rec, out.Name, at})
	return out
}

// open finds out what a recording is, where its input does not say it.
func (p *page) open(u unwrap.Part, input js.Value) (*read.Reader, error) {
	r, err := read.Open(&counted{r: u, tell: input.Get("tell")}, read.Options{Name: u.Name, Date: u.Time, Format: input.Get("kind").String(), Formats: p.formats})
	var unknown *read.UnknownFormatError
	switch {
	case errors.As(err, &unknown):
		return nil, errors.New("This is not a recording or log of a call that knak can read.")
	case err != nil:
		return nil, errors.New(event.Printable(strings.TrimPrefix(err.Error(), u.Name+": ")))
	}
	return r, nil
}

// drawn gives the page of the recordings with the ids in a list.
func (p *page) drawn(ids js.Value) []*inspect.Recording {
	var list []*inspect.Recording
	for i := range min(ids.Length(), 2) {
		list = append(list, p.held[ids.Index(i).Int()].Recording)
	}
	return list
}

// draw gives a page of one recording or two for showing inside of another: draw(ids) gives {markup, rows, sentence},
// the sentence of what differs between two.
func (p *page) draw(args []js.Value) (any, error) {
	page := inspect.Page(p.drawn(args[0]), version, time.Now())
	markup, rows, err := page.Fragment()
	return map[string]any{"markup": markup, "rows": string(rows), "sentence": strings.TrimSpace(page.Verdict + " " + page.Command)}, err
}

// save gives a page of one recording or two as a file: save(ids) gives its octets.
func (p *page) save(args []js.Value) (any, error) {
	var b bytes.Buffer
	if err := inspect.Page(p.drawn(args[0]), version, time.Now()).HTML(&b); err != nil {
		return nil, err
	}
	return octets(b.Bytes()), nil
}

// bundle packs a recording for others, from its input again: bundle(id, input) gives the octets of the archive.
func (p *page) bundle(args []js.Value) (any, error) {
	h := p.held[args[0].Int()]
	var b bytes.Buffer
	at, found := 0, false
	err := unwrap.Walk(inputOf(args[1]), limits, func(u unwrap.Part, err error) error {
		if at++; at != h.at || err != nil {
			return nil
		}
		found = true
		r, err := p.open(u, args[1])
		if err != nil {
			return err
		}
		_, err = inspect.Bundle(&b, r, time.Now(), share.Facts{Knak: version, System: "browser"}, inspect.Words(strings.Split(profiles, ","))...)
		return err
	})
	if err == nil && !found {
		err = errors.New("the file is not what it was")
	}
	if err != nil {
		return nil, err
	}
	return octets(b.Bytes()), nil
}

func octets(b []byte) js.Value {
	a := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(a, b)
	return a
}

// inputOf is what the worker gives: {name, modified, size, kind, read(offset, length), tell(octets)}. kind is the name of a format, or "".
func inputOf(v js.Value) unwrap.Input {
	b := &blob{read: v.Get("read"), size: int64(v.Get("size").Float())}
	in := unwrap.Input{Name: v.Get("name").String(), Reader: b, At: b, Size: b.size}
	if ms := v.Get("modified").Float(); ms > 0 {
		in.Time = time.UnixMilli(int64(ms))
	}
	return in
}

// blob is a file of the browser's, of which a piece is in memory.
type blob struct {
	read js.Value
	size int64
	at   int64
}

func (b *blob) Read(p []byte) (int, error) {
	n, err := b.ReadAt(p, b.at)
	b.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// ReadAt reads anywhere, for the directory of a zip.
func (b *blob) ReadAt(p []byte, at int64) (int, error) {
	want := min(int64(len(p)), b.size-at)
	if want <= 0 {
		return 0, io.EOF
	}
	piece := b.read.Invoke(float64(at), float64(want))
	if piece.Type() != js.TypeObject { // the browser's own words
		return 0, fmt.Errorf("the browser cannot read it (%s)", piece.String())
	}
	n := js.CopyBytesToGo(p, piece)
	if int64(n) < int64(len(p)) {
		return n, io.EOF
	}
	return n, nil
}

// counted tells how far a recording was read, once for each so many octets.
type counted struct {
	r     io.Reader
	tell  js.Value
	total int64
	told  int64
}

const tellEvery = 512 << 10

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.total += int64(n); c.total-c.told >= tellEvery {
		c.told = c.total
		c.tell.Invoke(float64(c.total))
	}
	return n, err
}
