// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix replaces a program and resets the value.
package fix

// [begin shown]

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// key is struct bpf_cgroup_storage_key of linux/bpf.h.
type key struct {
	CgroupID   uint64
	AttachType ebpf.AttachType
	_          uint32 // padding
}

// attachInstead attaches a program in place of another one (BPF_F_REPLACE,
// since 5.6).
func attachInstead(
	cgroup int, attach ebpf.AttachType, old, new *ebpf.Program,
) error {
	attr := struct{ target, prog, attachType, flags, replace uint32 }{
		target:     uint32(cgroup),
		prog:       uint32(new.FD()),
		attachType: uint32(attach),
		flags:      unix.BPF_F_ALLOW_MULTI | unix.BPF_F_REPLACE,
		replace:    uint32(old.FD()),
	}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_ATTACH,
		uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	runtime.KeepAlive(old)
	runtime.KeepAlive(new)
	if errno != 0 {
		return errno
	}
	return nil
}

// replaceAndReset replaces a program and resets the value that it left.
func replaceAndReset(
	cgroup int, old, new *ebpf.Program, counts *ebpf.Map, k key,
) error {
	if err := attachInstead(cgroup, k.AttachType, old, new); err != nil {
		return fmt.Errorf("replace: %w", err)
	}
	return counts.Update(k, uint64(0), ebpf.UpdateExist)
}

// [end shown]
