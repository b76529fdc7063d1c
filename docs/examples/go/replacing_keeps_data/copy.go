// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix attaches a program over another one.
package fix

// [begin shown]

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// key is struct bpf_cgroup_storage_key of linux/bpf.h.
type key struct {
	CgroupID   uint64
	AttachType ebpf.AttachType
	_          uint32 // padding
}

// attachOverAndReset attaches a program over another one and resets the value.
func attachOverAndReset(
	prog *ebpf.Program, cgroup int, counts *ebpf.Map, k key,
) error {
	// flags 0: the program that is attached is replaced
	err := link.RawAttachProgram(link.RawAttachProgramOptions{
		Target: cgroup, Program: prog, Attach: k.AttachType,
	})
	if err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	return counts.Update(k, uint64(0), ebpf.UpdateExist)
}

// [end shown]
