package undo

import (
	"errors"
	"slices"
	"testing"
)

func TestRunUndoesLastFirstAndEachOnce(t *testing.T) {
	var l List
	var did []string
	failure := errors.New("gone already")
	for _, name := range []string{"a", "b", "c"} {
		l.Add("undo "+name, func() error {
			did = append(did, name)
			if name == "b" {
				return failure
			}
			return nil
		})
	}
	err := l.Run()
	if !slices.Equal(did, []string{"c", "b", "a"}) {
		t.Errorf("undone in the order %v", did)
	}
	if !errors.Is(err, failure) || err.Error() != "undo b: gone already" {
		t.Errorf("Run gave %v", err)
	}
	if err := l.Run(); err != nil || len(did) != 3 {
		t.Errorf("a second Run gave %v and did %v", err, did)
	}
}
