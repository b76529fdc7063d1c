// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix counts the programs of a cgroup.
package fix

// [begin shown]

import (
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// countPrograms returns the number of programs on this cgroup itself.
func countPrograms(cgroup int, attach ebpf.AttachType) (int, error) {
	attr := struct {
		target, attachType, queryFlags, attachFlags uint32
		ids                                         uint64
		count, _                                    uint32
	}{target: uint32(cgroup), attachType: uint32(attach)}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_QUERY,
		uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return 0, fmt.Errorf("query: %w", errno)
	}
	return int(attr.count), nil
}

// [end shown]
