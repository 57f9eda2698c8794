// Command knak-plugin-carrier-script lets a site adjust knak's decisions by a script, without compiling anything.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/knakppp/knak/plugins/sdk"
)

func main() {
	sdk.Serve(sdk.Plugin{
		Name: "carrier-script", Version: "1.0.0", About: "rules in Starlark, written by whoever runs the site",
		Implementation: &plugin{},
	})
}

// config is the table [plugins.carrier-script.config].
type config struct {
	Script string `json:"script" doc:"path of the script, for example /etc/knak/carrier.star"`
	Source string `json:"source" doc:"the script itself, in place of a file"`
}

// plugin asks the script. A function that the script does not define has no opinion.
type plugin struct {
	config config
	script *script
}

func (p *plugin) Config() any { return &p.config }

// scriptLimit bounds a script file, in octets.
const scriptLimit = 1 << 20

// Configure reads and runs the script once: mistakes in it are reported before anything is dialled.
func (p *plugin) Configure(_ context.Context, _ []sdk.Grant) error {
	name, source := "source", []byte(p.config.Source)
	switch {
	case (p.config.Script == "") == (p.config.Source == ""):
		return &sdk.KeyError{Key: "script", Err: errors.New(`name a script, or put it into "source", not both`)}
	case p.config.Script != "":
		var err error
		if source, err = readScript(p.config.Script); err != nil {
			return &sdk.KeyError{Key: "script", Err: err}
		}
		name = p.config.Script
	}
	s, err := load(name, source)
	if err != nil {
		key := "source"
		if p.config.Script != "" {
			key = "script"
		}
		return &sdk.KeyError{Key: key, Err: err}
	}
	p.script = s
	return nil
}

// readScript reads a script that nobody else may write: what it says is done.
func readScript(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > scriptLimit:
		return nil, fmt.Errorf("%s must be a file of at most %d octets", path, scriptLimit)
	case info.Mode().Perm()&(fs.ModePerm&0o022) != 0:
		return nil, fmt.Errorf("%s may be written by others: chmod go-w %s", path, path)
	}
	return os.ReadFile(path)
}

// Identify asks identify(device).
func (p *plugin) Identify(ctx context.Context, q sdk.Identify) (sdk.Identified, error) {
	return ask(ctx, p.script, "identify", toIdentified, device(q.Device, q.Link))
}

// Credentials asks credentials(query).
func (p *plugin) Credentials(ctx context.Context, q sdk.Credentials) (sdk.Login, error) {
	return ask(ctx, p.script, "credentials", toLogin, credentials(q))
}

// Steps asks before_dial(dial, steps) or after_dial(dial, connect).
func (p *plugin) Steps(ctx context.Context, q sdk.Steps) (sdk.Plan, error) {
	if q.When == sdk.Before {
		return ask(ctx, p.script, "before_dial", toPlan, dialling(q))
	}
	return ask(ctx, p.script, "after_dial", toPlan, dialling(q))
}

// Prove asks prove(link).
func (p *plugin) Prove(ctx context.Context, q sdk.Prove) (sdk.Proof, error) {
	return ask(ctx, p.script, "prove", toProof, proving(q))
}

// Decisions asks for all decisions: which ones the script handles is known only after it was read.
func (p *plugin) Decisions() []sdk.On {
	return []sdk.On{{Decide: func(ctx context.Context, e sdk.Event) (sdk.Verdict, error) {
		return ask(ctx, p.script, "decide", toVerdict, event(e))
	}}}
}
