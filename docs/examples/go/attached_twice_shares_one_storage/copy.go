// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix finds out whether a program is attached.
package fix

// [begin shown]

import (
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// isAttached tells whether a program is attached, by itself or by a link.
func isAttached(
	cgroup int, attach ebpf.AttachType, prog ebpf.ProgramID,
) (bool, error) {
	ids := make([]uint32, 64)
	count, err := query(cgroup, attach, 0, ids)
	if err != nil {
		return false, err // unix.ENOSPC for more than 64
	}
	for _, id := range ids[:count] {
		if ebpf.ProgramID(id) == prog {
			return true, nil
		}
	}
	return false, nil
}

// query calls BPF_PROG_QUERY. It fills ids and returns the number of programs.
func query(
	cgroup int, attach ebpf.AttachType, flags uint32, ids []uint32,
) (int, error) {
	attr := struct {
		target, attachType, queryFlags, attachFlags uint32
		ids                                         unsafe.Pointer
		count, _                                    uint32
	}{
		target:     uint32(cgroup),
		attachType: uint32(attach),
		queryFlags: flags,
		ids:        unsafe.Pointer(&ids[0]),
		count:      uint32(len(ids)),
	}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_QUERY,
		uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return 0, fmt.Errorf("query: %w", errno)
	}
	return int(attr.count), nil
}

// [end shown]
