package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// script is a Starlark program that was run once. Its globals are frozen, so that calls may run side by side.
type script struct {
	name    string
	globals starlark.StringDict
}

// stepLimit bounds one call, in the interpreter's steps: some milliseconds. A decision has 20 ms.
const stepLimit = 200_000

// dialect holds the language features for short scripts.
var dialect = &syntax.FileOptions{Set: true, While: false, TopLevelControl: true, GlobalReassign: false, Recursion: false}

// functions are the functions that a script may define; a function with a similar name is most likely misspelt.
var functions = []string{"identify", "credentials", "before_dial", "after_dial", "decide", "prove"}

// load parses and runs a script. Errors name the line and the column.
func load(name string, source []byte) (*script, error) {
	thread := newThread(name)
	globals, err := starlark.ExecFileOptions(dialect, thread, name, source, words)
	if err != nil {
		return nil, explain(err)
	}
	s := &script{name: name, globals: globals}
	known := 0
	for _, f := range functions {
		switch g := globals[f]; {
		case g == nil:
		case !isFunction(g):
			return nil, fmt.Errorf("%s: %q must be a function, not a %s", name, f, g.Type())
		default:
			known++
		}
	}
	if known == 0 {
		return nil, fmt.Errorf("%s defines none of the functions %v", name, functions)
	}
	return s, nil
}

func isFunction(v starlark.Value) bool { _, ok := v.(*starlark.Function); return ok }

func newThread(name string) *starlark.Thread {
	t := &starlark.Thread{Name: name, Print: func(_ *starlark.Thread, text string) { slog.Info(text, "script", name) }}
	t.SetMaxExecutionSteps(stepLimit)
	return t
}

// explain gives an error with the place in the script where it happened.
func explain(err error) error {
	var eval *starlark.EvalError
	if errors.As(err, &eval) && len(eval.CallStack) > 0 {
		for i := len(eval.CallStack) - 1; i >= 0; i-- {
			if pos := eval.CallStack[i].Pos; pos.Line > 0 {
				return fmt.Errorf("%s: %s", pos, eval.Msg)
			}
		}
	}
	return err
}

// ask calls a function of the script and converts what it returns. A script without that function, and None, give the zero
// value: no opinion.
func ask[T any](ctx context.Context, s *script, function string, convert func(starlark.Value) (T, error), argument starlark.Value) (T, error) {
	var zero T
	f, ok := s.globals[function].(*starlark.Function)
	if !ok {
		return zero, nil
	}
	thread := newThread(s.name)
	stop := context.AfterFunc(ctx, func() { thread.Cancel("the time for it is over") })
	defer stop()
	result, err := starlark.Call(thread, f, starlark.Tuple{argument}, nil)
	if err != nil {
		return zero, explain(err)
	}
	if result == starlark.None {
		return zero, nil
	}
	out, err := convert(result)
	if err != nil {
		return zero, fmt.Errorf("%s: %s: %w", s.name, function, err)
	}
	return out, nil
}
