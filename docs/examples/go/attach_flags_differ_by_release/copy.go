// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix replaces a program on every release.
package fix

// [begin shown]

import (
	"errors"
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

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

// replaceProgram replaces a program on every release.
func replaceProgram(
	cgroup int, attach ebpf.AttachType, old, new *ebpf.Program,
) error {
	err := attachInstead(cgroup, attach, old, new)
	if !errors.Is(err, unix.EINVAL) {
		return err
	}
	// before 5.6: no program runs between these two calls
	err = link.RawDetachProgram(link.RawDetachProgramOptions{
		Target: cgroup, Program: old, Attach: attach,
	})
	if err != nil {
		return err
	}
	return link.RawAttachProgram(link.RawAttachProgramOptions{
		Target: cgroup, Program: new, Attach: attach,
		Flags: unix.BPF_F_ALLOW_MULTI,
	})
}

// [end shown]
