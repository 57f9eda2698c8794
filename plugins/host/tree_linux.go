package host

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Children gives the processes whose parent is pid, as proc(5) shows them at this moment.
func Children(pid int) []int { return parents()[pid] }

// descendants gives all processes below pid.
func descendants(pid int) (list []int) {
	children := parents()
	for next := children[pid]; len(next) > 0; next = next[1:] {
		list = append(list, next[0])
		next = append(next, children[next[0]]...)
		if len(list) > maxTree {
			break
		}
	}
	return list
}

// maxTree is the greatest number of processes that one search of a tree finds.
const maxTree = 10_000

// parents gives the children of every process.
func parents() map[int][]int {
	all := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// The name of the program, in parentheses, may have anything in it; behind it are the state and the parent.
		end := bytes.LastIndexByte(text, ')')
		fields := bytes.Fields(text[max(end+1, 0):])
		if end < 0 || len(fields) < 2 {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		parent, err2 := strconv.Atoi(string(fields[1]))
		if err == nil && err2 == nil {
			all[parent] = append(all[parent], pid)
		}
	}
	return all
}

// killTree kills a process with all below it, also those that have made sessions of their own. It works only as long as
// the process takes in those whose parents have ended (PR_SET_CHILD_SUBREAPER), as the second program does.
func killTree(root *os.Process) {
	held := map[int]*os.Process{}
	for range 10 { // they are stopped first, so that there is an end of new ones
		found := false
		for _, pid := range descendants(root.Pid) {
			if held[pid] != nil {
				continue
			}
			if p, err := os.FindProcess(pid); err == nil { // which holds on to this one, where the kernel has pidfd_open(2)
				held[pid], found = p, true
				_ = p.Signal(unix.SIGSTOP) // it may have ended
			}
		}
		if !found {
			break
		}
	}
	_ = root.Kill() // it may have ended
	for _, p := range held {
		_ = p.Kill()
		_ = p.Release()
	}
}
