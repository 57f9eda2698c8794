package read

import (
	"github.com/knakppp/knak/core/trace"
	"github.com/knakppp/knak/core/trace/source"
)

var logFormat = source.Format{Name: "log", Title: "log of pppd, chat, wvdial or ModemManager", Sniff: sniffLog, Open: openLog}

func sniffLog(prefix []byte) int { return source.Weak }

func openLog(in *source.Input, c source.Config) source.Source { return &logSource{in: in, c: c} }

type logSource struct {
	in *source.Input
	c  source.Config
}

func (s *logSource) Next() (trace.Record, error) {
	line, size, err := s.in.Line()
	if err != nil {
		return trace.Record{}, err
	}
	return trace.Record{Link: s.c.Link, Pos: trace.Pos{Line: s.in.Lines()}, Event: trace.Unread{Text: trace.Printable(string(line)), Bytes: size, Reason: "not yet read"}}, nil
}
