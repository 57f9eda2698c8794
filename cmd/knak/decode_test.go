package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A log that grows is shown line by line, each at once; the end is asked for from outside.
func TestDecodeFollow(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ppp.log")
	if err := os.WriteFile(name, []byte("sent [LCP ConfReq id=0x1]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	in, out := io.Pipe()
	var stderr bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"decode", "--follow", name}, strings.NewReader(""), out, &stderr)
		_ = out.Close()
	}()
	lines := bufio.NewScanner(in)
	until := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("%q never came; %s", want, stderr.String())
	}
	until("ConfReq")
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("rcvd [LCP ConfAck id=0x1]\n"); err != nil {
		t.Fatal(err)
	}
	until("ConfAck")
	cancel()
	if s := <-status; s != 0 || !strings.Contains(stderr.String(), "2 lines, 2 packets") {
		t.Errorf("status %d\n%s", s, stderr.String())
	}
}
