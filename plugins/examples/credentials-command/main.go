// Command knak-plugin-credentials-command gets the login from a program, or from a file such as a credential of systemd.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/knakppp/knak/plugins/sdk"
)

func main() {
	sdk.Serve(sdk.Plugin{
		Name: "credentials-command", Version: "1.0.0", About: "asks a program or reads a file for the login",
		Implementation: &plugin{}, Grants: []sdk.Grant{sdk.GrantSecrets},
	})
}

// config is the table [plugins.credentials-command.config].
type config struct {
	Command []string     `json:"command" doc:"program with its arguments; its path is absolute, and no shell is in between"`
	File    string       `json:"file" doc:"file in place of a program, for example /run/credentials/knak.service/sim"`
	User    string       `json:"user" doc:"user name where the answer holds none"`
	Links   []string     `json:"links" doc:"only for links of these names; none: for all"`
	Keep    bool         `json:"keep" doc:"the password stays in the plugin: only CHAP with MD5 is agreed to (needs the grant secrets)"`
	Cache   sdk.Duration `json:"cache" doc:"how long an answer is good, for example 10m; 0: it is asked for in every attempt"`
}

type plugin struct {
	config config
	now    func() time.Time

	mu   sync.Mutex
	kept map[string]kept // by link
}

type kept struct {
	login
	until time.Time
}

// login is the output of the program, or the content of the file.
type login struct{ user, password, apn string }

func (p *plugin) Config() any { return &p.config }

// Configure checks everything that can be checked before the first dial.
func (p *plugin) Configure(_ context.Context, grants []sdk.Grant) error {
	c := &p.config
	p.kept = map[string]kept{}
	if p.now == nil {
		p.now = time.Now
	}
	switch {
	case (len(c.Command) == 0) == (c.File == ""):
		return &sdk.KeyError{Key: "command", Err: errors.New(`name a program, or a "file" in place of it, not both`)}
	case len(c.Command) > 0:
		if err := trusted(c.Command[0], true); err != nil {
			return &sdk.KeyError{Key: "command", Err: err}
		}
	default:
		if !filepath.IsAbs(c.File) {
			return &sdk.KeyError{Key: "file", Err: fmt.Errorf("%q must be an absolute path", c.File)}
		}
	}
	if c.Keep && !slices.Contains(grants, sdk.GrantSecrets) {
		return &sdk.KeyError{Key: "keep", Err: errors.New(`to answer challenges the plugin needs grants = ["secrets"]`)}
	}
	return nil
}

// trusted says why a program must not be run: somebody else could have written it.
func trusted(path string, program bool) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%q must be an absolute path", path)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no file", path)
	case info.Mode().Perm()&(fs.ModePerm&0o022) != 0:
		return fmt.Errorf("%s may be written by others: chmod go-w %s", path, path)
	case program && info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s is not executable: chmod 755 %s", path, path)
	}
	return nil
}

func (p *plugin) wanted(link string) bool {
	return len(p.config.Links) == 0 || slices.Contains(p.config.Links, link)
}

// Credentials gives the login, without the password if the plugin keeps that.
func (p *plugin) Credentials(ctx context.Context, q sdk.Credentials) (sdk.Login, error) {
	if !p.wanted(q.Link.Name) {
		return sdk.Login{}, nil
	}
	l, err := p.login(ctx, q)
	if err != nil {
		return sdk.Login{}, err
	}
	out := sdk.Login{APN: l.apn, Replace: true, User: l.user, Password: l.password, Reason: "from " + p.source()}
	if p.config.Keep {
		out.Password, out.Allow = "", []string{"chap-md5"}
	}
	return out, nil
}

// Challenge answers with the kept password: the one that Credentials has got in this attempt.
func (p *plugin) Challenge(_ context.Context, q sdk.Challenge) (sdk.Response, error) {
	p.mu.Lock()
	k, ok := p.kept[q.Link.Name]
	p.mu.Unlock()
	if !p.config.Keep || !ok || q.Method != "chap-md5" {
		return sdk.Response{}, nil
	}
	return sdk.MD5Response(q, k.password), nil
}

func (p *plugin) source() string {
	if p.config.File != "" {
		return "the file " + p.config.File
	}
	return "the program " + p.config.Command[0]
}

// answerLimit is the greatest size of the output or file, in octets.
const answerLimit = 4096

// login asks, unless a former answer is still good.
func (p *plugin) login(ctx context.Context, q sdk.Credentials) (login, error) {
	p.mu.Lock()
	k, ok := p.kept[q.Link.Name]
	p.mu.Unlock()
	// What did not work is not tried again: the password may have been changed.
	if ok && q.Link.Attempt <= 1 && p.now().Before(k.until) {
		return k.login, nil
	}
	text, err := p.ask(ctx, q)
	if err != nil {
		return login{}, err
	}
	l, err := parse(text)
	if err != nil {
		return login{}, fmt.Errorf("%s: %w", p.source(), err)
	}
	if l.user == "" {
		l.user = p.config.User
	}
	p.mu.Lock()
	p.kept[q.Link.Name] = kept{l, p.now().Add(p.config.Cache)}
	p.mu.Unlock()
	return l, nil
}

func (p *plugin) ask(ctx context.Context, q sdk.Credentials) ([]byte, error) {
	if p.config.File != "" {
		if err := trusted(p.config.File, false); err != nil {
			return nil, err
		}
		f, err := os.Open(p.config.File)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(io.LimitReader(f, answerLimit+1))
	}
	cmd := exec.CommandContext(ctx, p.config.Command[0], p.config.Command[1:]...)
	cmd.Env = append(os.Environ(), "KNAK_LINK="+q.Link.Name, "KNAK_HOME_NETWORK="+q.Home, "KNAK_APN="+q.APN, "KNAK_MODEL="+q.Device.Model)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var out, complaint limited
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = errors.New("it took too long")
		}
		// What it wrote may hold the secret: the log gets its first line only where the program itself complains.
		line, _, _ := bytes.Cut(complaint.Bytes(), []byte("\n"))
		if len(line) == 0 {
			return nil, fmt.Errorf("%s: %w", p.source(), err)
		}
		return nil, fmt.Errorf("%s: %w: %s", p.source(), err, line)
	}
	return out.Bytes(), nil
}

// limited keeps the beginning of its input.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	l.Buffer.Write(p[:min(len(p), max(answerLimit+1-l.Len(), 0))])
	return len(p), nil
}

// parse reads an answer as the common password programs give it: the password in the first line, then lines "user: NAME"
// and "apn: NAME" in any order.
func parse(text []byte) (login, error) {
	if len(text) > answerLimit {
		return login{}, fmt.Errorf("the answer is longer than %d octets", answerLimit)
	}
	lines := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	l := login{password: lines[0]}
	if l.password == "" && strings.TrimSpace(string(text)) == "" {
		return login{}, errors.New("the answer is empty")
	}
	for i, line := range lines[1:] {
		key, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "":
			if ok {
				return login{}, fmt.Errorf("line %d has no name before its colon", i+2)
			}
		case "user", "username", "login":
			l.user = value
		case "apn":
			l.apn = value
		}
	}
	return l, nil
}
