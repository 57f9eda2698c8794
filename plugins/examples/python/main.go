// Command knak-plugin-python-refusal starts the plugin in plugin.py. knak pins a plugin by its content, so the installed program
// must be one file that no other file can change. This program holds the Python text, passes it to the interpreter in memory, and
// is replaced by it.
package main

import (
	_ "embed"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

//go:embed plugin.py
var program []byte

// described is knak's description of its messages: a FileDescriptorSet of plugins/proto.
//
//go:embed knak.binpb
var described []byte

// python is the system's interpreter, with grpcio and protobuf from its packages (Debian: python3-grpcio, python3-protobuf).
const python = "/usr/bin/python3"

func main() {
	if err := start(); err != nil {
		fmt.Fprintf(os.Stderr, "knak-plugin-python-refusal: %v\n", err)
		os.Exit(1)
	}
}

func start() error {
	text, err := memory("plugin.py", program)
	if err != nil {
		return err
	}
	messages, err := memory("knak.binpb", described)
	if err != nil {
		return err
	}
	// -I: neither the user's packages nor the environment say what is loaded. -B: nothing is written.
	if err := unix.Exec(python, []string{python, "-I", "-B", text, messages}, os.Environ()); err != nil {
		return fmt.Errorf("%s: %w (Debian: apt-get install python3-grpcio python3-protobuf)", python, err)
	}
	return nil
}

// memory gives the path of a file in memory that the next program still has.
func memory(name string, content []byte) (string, error) {
	fd, err := unix.MemfdCreate(name, 0)
	if err != nil {
		return "", fmt.Errorf("a file in memory: %w", err)
	}
	for len(content) > 0 {
		n, err := unix.Write(fd, content)
		if err != nil {
			return "", fmt.Errorf("a file in memory: %w", err)
		}
		content = content[n:]
	}
	return fmt.Sprintf("/proc/self/fd/%d", fd), nil
}
