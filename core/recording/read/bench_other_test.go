//go:build !unix

package read

import "time"

func processorTime() time.Duration { return 0 }
