// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix reads the value of one CPU.
package fix

// [begin shown]

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// key is struct bpf_cgroup_storage_key of linux/bpf.h.
type key struct {
	CgroupID   uint64
	AttachType ebpf.AttachType
	_          uint32 // padding
}

// readCPU reads the value of one CPU on every release.
func readCPU(counts *ebpf.Map, k key, cpu int) (uint64, error) {
	var values []uint64 // one for each possible CPU
	if err := counts.Lookup(k, &values); err != nil {
		return 0, fmt.Errorf("look up cgroup %d: %w", k.CgroupID, err)
	}
	if cpu < 0 || cpu >= len(values) {
		return 0, fmt.Errorf("there is no CPU %d", cpu)
	}
	return values[cpu], nil
}

// [end shown]
