package resolv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/knakppp/knak/core/foreign"
	"github.com/knakppp/knak/core/plane/undo"
)

// maxServers is the number of servers that the C library's resolver uses (MAXNS in resolv.h).
const maxServers = 3

// setFile makes a link's servers those of the file until the undoing.
func (h Host) setFile(ctx context.Context, cfg Config, u *undo.List) error {
	path := cfg.Path
	if path == "" {
		path = DefaultPath
	}
	c := claim{Interface: cfg.Interface, Owner: self(), Servers: slices.Clone(cfg.Servers[:min(len(cfg.Servers), maxServers)])}
	what := "restore " + path
	k, unlock, err := h.keeper(ctx, path, cfg.Notice)
	if err != nil {
		return err
	}
	defer unlock()
	r, err := k.change(withClaim(c))
	tellDead(r, k.path, cfg.Notice)
	if err != nil {
		_, undone := k.change(withoutClaim(c))
		return errors.Join(err, undone)
	}
	u.Add(what, func() error {
		k, unlock, err := h.keeper(context.Background(), path, cfg.Notice)
		if err != nil {
			return err
		}
		defer unlock()
		r, err := k.change(withoutClaim(c))
		if r.displaced {
			cfg.Notice("info", "%s was changed by another program while the link was up: it stays as it is", k.path)
		}
		return err
	})
	return nil
}

// tellDead says what was put right besides.
func tellDead(r report, path string, notice func(level, format string, args ...any)) {
	if len(r.dead) > 0 {
		notice("info", "%s still had the servers of %s, whose dial has ended without taking them back", path, strings.Join(r.dead, " and "))
	}
}

// lockWait is how long to wait for another dial that changes the file.
const lockWait = 5 * time.Second

// keeper opens the keeper of a file, which nobody else has until unlock.
func (h Host) keeper(ctx context.Context, path string, notice func(level, format string, args ...any)) (k *keeper, unlock func(), err error) {
	dir := filepath.Join(h.run(), "knak")
	if err := os.MkdirAll(dir, 0o700); err != nil && !inPlaceOnly(err) {
		return nil, nil, err
	}
	name := filepath.Join(dir, "resolv.lock")
	lock, err := foreign.Lock(name)
	for until := time.Now().Add(lockWait); errors.Is(err, syscall.EWOULDBLOCK); {
		if !time.Now().Before(until) || ctx.Err() != nil {
			return nil, nil, fmt.Errorf("another dial is changing %s for longer than %v: %w", path, lockWait, err)
		}
		time.Sleep(lockWait / 500)
		lock, err = foreign.Lock(name)
	}
	if err != nil && !inPlaceOnly(err) && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	unlock = func() { _ = lock.Close() } // of none where the directory takes no lock: then few others can be there
	if k, err = keeperOf(system{}, path); err != nil {
		unlock()
		return nil, nil, err
	}
	k.notice = notice
	return k, unlock, nil
}

// Left describes the changes that killed links have left behind.
type Left struct {
	Where string   // a file, or "resolvconf"
	Links []string // their interfaces
}

// Text gives a sentence for people.
func (l Left) Text() string { return l.Where + ", from " + strings.Join(l.Links, ", ") }

// atResolvconf is the value of Left.Where for the records of resolvconf(8).
const atResolvconf = "resolvconf"

// unknownLink stands for a link whose name is not known any more.
const unknownLink = "a link that is not known any more"

// Leftover finds the changes of links that have ended without undoing them: in the file at path ("" is DefaultPath) and in
// resolvconf. It changes nothing.
func (h Host) Leftover(path string) (all []Left, err error) {
	if path == "" {
		path = DefaultPath
	}
	dead, err := leftIn(path)
	if len(dead) > 0 {
		all = append(all, Left{path, dead})
	}
	records, rerr := h.deadRecords()
	if len(records) > 0 {
		left := Left{Where: atResolvconf}
		for _, r := range records {
			left.Links = append(left.Links, strings.TrimSuffix(r, recordSuffix))
		}
		all = append(all, left)
	}
	return all, errors.Join(err, rerr)
}

func leftIn(path string) (dead []string, err error) {
	k, _, err := keeperWithState(system{}, path)
	if err != nil {
		return nil, err
	}
	st, _, err := k.load()
	if err != nil {
		return nil, err
	}
	if st == nil {
		if now, err := k.disk.Look(k.path); err == nil && marked(now.Content) {
			return []string{unknownLink}, nil
		}
		return nil, nil
	}
	for _, l := range st.Links {
		if !k.runs(l.Owner) {
			dead = append(dead, l.Interface)
		}
	}
	if len(st.Links) == 0 {
		dead = append(dead, unknownLink)
	}
	return dead, nil
}

// Repair undoes the changes that Leftover finds. If other links are still up, the file stays theirs; otherwise the original comes
// back. It says what it has undone.
func (h Host) Repair(ctx context.Context, path string, notice func(level, format string, args ...any)) (done []Left, err error) {
	left, err := h.Leftover(path)
	for _, l := range left {
		var bad error
		if l.Where == atResolvconf {
			for _, name := range l.Links {
				bad = errors.Join(bad, h.dropRecord(ctx, name+recordSuffix))
			}
		} else {
			bad = h.repairFile(ctx, l.Where, notice)
		}
		if bad == nil {
			done = append(done, l)
		}
		err = errors.Join(err, bad)
	}
	return done, err
}

// PutRight does the same as Repair, for a caller that goes on in any case: it reports errors to tell, with the level of a notice.
func (h Host) PutRight(ctx context.Context, tell func(level, text string)) []Left {
	done, err := h.Repair(ctx, "", func(level, format string, args ...any) { tell(level, fmt.Sprintf(format, args...)) })
	if err != nil && !errors.Is(err, fs.ErrPermission) { // otherwise it may be another user's, who has a link up
		tell("warning", fmt.Sprintf("what a dial has left behind that was killed cannot be put right: %v", err))
	}
	return done
}

func (h Host) repairFile(ctx context.Context, path string, notice func(level, format string, args ...any)) error {
	k, unlock, err := h.keeper(ctx, path, notice)
	if err != nil {
		return err
	}
	defer unlock()
	_, err = k.change(func(links []claim) []claim { return links })
	return err
}
