package device

import "os"

func here() Root { return Root{Sys: os.DirFS("/sys"), Dev: "/dev"} }

func shortName(path string) string { return path }
