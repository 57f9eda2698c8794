package resolv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/knakppp/knak/core/plane/undo"
)

// programTime is how long a program may run: resolvectl waits for D-Bus, which may not answer.
const programTime = 5 * time.Second

// setResolved tells systemd-resolved about the servers of one interface (resolvectl(1)).
func (h Host) setResolved(ctx context.Context, cfg Config, u *undo.List) error {
	if h.elsewhere() {
		return errElsewhere
	}
	path, err := h.program("resolvectl")
	if err != nil {
		return err
	}
	if !h.resolvedRuns() {
		return fmt.Errorf("systemd-resolved is not running: %w", ErrUnavailable)
	}
	args := []string{"dns", cfg.Interface}
	for _, s := range cfg.Servers {
		args = append(args, s.String())
	}
	// The settings of an interface are one object for resolved: the revert undoes any part of them.
	u.Add("revert systemd-resolved for "+cfg.Interface, func() error {
		return run(context.Background(), "", path, "revert", cfg.Interface)
	})
	if err := run(ctx, "", path, args...); err != nil {
		return err
	}
	if !cfg.Default {
		return run(ctx, "", path, "default-route", cfg.Interface, "false")
	}
	// "~." is the routing domain of all names.
	if err := run(ctx, "", path, "domain", cfg.Interface, "~."); err != nil {
		return err
	}
	return run(ctx, "", path, "default-route", cfg.Interface, "true")
}

// recordSuffix makes the name of a record differ from that of any other program.
const recordSuffix = ".knak"

// setResolvconf hands the servers to resolvconf(8) as one record, named for the interface and for us.
func (h Host) setResolvconf(ctx context.Context, cfg Config, u *undo.List) error {
	path, err := h.program("resolvconf")
	if err != nil {
		return err
	}
	record := cfg.Interface + recordSuffix
	if err := h.noteRecord(record); err != nil {
		cfg.Notice("warning", "the record in resolvconf would outlive a dial that is killed: %v", err)
	}
	err = run(ctx, nameservers(cfg.Servers), path, "-a", record)
	if err == nil || ctx.Err() != nil { // one that was ended in the middle may have made its record
		u.Add("remove the record from resolvconf", func() error {
			err := run(context.Background(), "", path, "-d", record)
			if err == nil {
				err = h.forgetRecord(record)
			}
			return err
		})
		return err
	}
	return errors.Join(err, h.forgetRecord(record))
}

// run runs a program with an environment that does not depend on ours.
func run(ctx context.Context, stdin, path string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, programTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	cmd.Dir = "/"
	cmd.Stdin = strings.NewReader(stdin)
	// Such a program is a script that has started others: all of them are ended.
	endsWhole(cmd)
	cmd.WaitDelay = 100 * time.Millisecond
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		said, _, _ := strings.Cut(strings.TrimSpace(out.String()), "\n")
		return fmt.Errorf("%s %s: %w: %q", filepath.Base(path), strings.Join(args, " "), err, said)
	}
	return nil
}
