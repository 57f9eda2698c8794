//go:build !unix

package drive

import (
	"errors"
	"os"
)

// take fails: standard input cannot be waited for with an end here.
func (p *stdioPort) take(*os.File) (*os.File, error) {
	return nil, errors.New("standard input and output as the port need a Unix: name a port, such as COM5")
}
