// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package guide resets the storage of a key.
package guide

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

// resetShared resets a value of 8 bytes in a BPF_MAP_TYPE_CGROUP_STORAGE.
func resetShared(counts *ebpf.Map, k key) error {
	return counts.Update(k, uint64(0), ebpf.UpdateExist)
}

// resetPerCPU does the same in a BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, for each
// possible CPU.
func resetPerCPU(counts *ebpf.Map, k key) error {
	var values []uint64
	// as many values as there are CPUs
	if err := counts.Lookup(k, &values); err != nil {
		return fmt.Errorf("look up cgroup %d: %w", k.CgroupID, err)
	}
	return counts.Update(k, make([]uint64, len(values)), ebpf.UpdateExist)
}

// [end shown]
