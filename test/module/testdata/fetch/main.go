// Command fetch prints a web page that it fetches through a modem: a real one, or a simulated one with a web server behind it.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/plane/stack"
)

func main() {
	port := flag.String("port", "", "the modem's tty; without one it is simulated")
	carriesPPP := flag.Bool("direct", false, "the tty carries PPP at once: there is no modem")
	flag.Parse()
	o := dialer.Options{Port: *port}
	if *port == "" {
		o.Scenario, o.Far = "huawei/e398", server()
	}
	if *carriesPPP {
		o.Settings = []string{"dial.number="}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	began := time.Now()
	modem, err := dialer.Dial(ctx, o)
	if err != nil {
		log.Fatal(err)
	}
	up, _ := modem.Up()
	log.Printf("up as %s after %v", up.Local, time.Since(began))
	web := &http.Client{Transport: modem.Transport(), Timeout: time.Minute}
	page, err := web.Get(flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(os.Stdout, page.Body); err != nil {
		log.Fatal(err)
	}
	if err := modem.Close(); err != nil {
		log.Fatal(err)
	}
}

// server is the host behind the simulated modem.
func server() *stack.Stack {
	host, err := stack.New(stack.Config{Local: netip.MustParseAddr("192.0.2.80")})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := host.Listen("tcp", ":80")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "Hello from behind the simulated modem.\n")
		})))
	}()
	return host
}
