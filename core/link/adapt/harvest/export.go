package harvest

import (
	"archive/zip"
	"encoding/json"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/private"
)

// Export packs what somebody who keeps the database needs: the profile, the entry, the scenario, the matrix of the experiments, and
// what passed in them, masked. words are private.NewMask's.
func (f *Found) Export(w io.Writer, made time.Time, trace iter.Seq2[event.Record, error], words ...string) error {
	z := zip.NewWriter(w)
	create := func(name string) (io.Writer, error) {
		return z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: made})
	}
	list := []File{{"README.txt", readme}, {"matrix.txt", Matrix(f.Trials)}, {"matrix.json", MatrixJSON(f.Trials)}}
	if f.Verdict.Learned && len(f.Verdict.Set) > 0 && f.Device.Model != "" {
		list = append(list, f.Files()...)
	}
	mask := private.NewMask(words...)
	if err := f.verdict(create); err != nil {
		return err
	}
	for _, file := range list {
		into, err := create(file.Name)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(into, file.Text); err != nil {
			return err
		}
	}
	into, err := create("experiments.jsonl")
	if err != nil {
		return err
	}
	lines := event.NewJSONWriter(into)
	for r, err := range trace {
		if err != nil {
			return err
		}
		r.Link = "learn"
		lines.Record(mask.Record(r))
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return z.Close()
}

// verdict writes what the search has come to, for programs.
func (f *Found) verdict(create func(string) (io.Writer, error)) error {
	into, err := create("verdict.json")
	if err != nil {
		return err
	}
	set := []string{}
	for _, s := range f.Verdict.Set {
		set = append(set, s.String())
	}
	e := json.NewEncoder(into)
	e.SetIndent("", " ")
	return e.Encode(struct {
		Learned bool     `json:"learned"`
		Set     []string `json:"set"`
		Ups     int      `json:"ups"`
		Of      int      `json:"of"`
		Noisy   bool     `json:"noisy"`
		Why     string   `json:"why,omitempty"`
		Vendor  string   `json:"vendor"`
		Model   string   `json:"model"`
		Version string   `json:"firmware"`
	}{f.Verdict.Learned, set, f.Verdict.Ups, f.Verdict.Of, f.Verdict.Noisy, f.Verdict.Why, f.Device.Vendor, f.Device.Model, f.Device.Firmware})
}

// readme says what is in an export.
var readme = strings.TrimLeft(`
What knak learn has found out of a modem, for those who keep the database of profiles.

verdict.json       what it came to
matrix.txt         which settings each call had, and how far it came; matrix.json is the same for programs
quirks.d, devices.d  the profile, the entry that finds it, and a scenario, where something was learned
experiments.jsonl  what passed in all calls: knak decode, knak diagnose and knak report read it

In experiments.jsonl addresses, numbers and names are replaced, the same by the same; passwords, responses, IMSI, IMEI and ICCID are hidden.
`, "\n")
