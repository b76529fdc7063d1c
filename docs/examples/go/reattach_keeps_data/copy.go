// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix attaches a program and resets its counter.
package fix

// [begin shown]

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// key is struct bpf_cgroup_storage_key of linux/bpf.h.
type key struct {
	CgroupID   uint64
	AttachType ebpf.AttachType
	_          uint32 // padding
}

// attachAndReset attaches a program and resets its counter to zero on every
// release.
func attachAndReset(
	prog *ebpf.Program, cgroup int, id uint64, counts *ebpf.Map,
) error {
	k := key{CgroupID: id, AttachType: ebpf.AttachCGroupInetEgress}
	err := link.RawAttachProgram(link.RawAttachProgramOptions{
		Target:  cgroup,
		Program: prog,
		Attach:  k.AttachType,
		Flags:   unix.BPF_F_ALLOW_MULTI,
	})
	if err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	return counts.Update(k, uint64(0), ebpf.UpdateExist)
}

// [end shown]
