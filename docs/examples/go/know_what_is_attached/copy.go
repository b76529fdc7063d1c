// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package guide finds out whether a program is attached.
package guide

// [begin shown]

import (
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

const mostPrograms = 1024

// isAttached tells whether a program is attached to a cgroup. The flags are 0,
// or BPF_F_QUERY_EFFECTIVE to include the programs of the cgroup's ancestors.
func isAttached(
	cgroup int, prog *ebpf.Program, attach ebpf.AttachType, flags uint32,
) (bool, error) {
	info, err := prog.Info()
	if err != nil {
		return false, fmt.Errorf("program info: %w", err)
	}
	id, _ := info.ID()
	ids := make([]uint32, mostPrograms)
	count, err := query(cgroup, attach, flags, ids)
	if err != nil {
		return false, err
	}
	for _, found := range ids[:count] {
		if ebpf.ProgramID(found) == id {
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
