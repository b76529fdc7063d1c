// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package guide adds up the values of all CPUs.
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

// readTotal adds up the values of all possible CPUs.
func readTotal(bytes *ebpf.Map, k key) (total uint64, err error) {
	var values []uint64 // one for each possible CPU
	if err := bytes.Lookup(k, &values); err != nil {
		return 0, fmt.Errorf("look up cgroup %d: %w", k.CgroupID, err)
	}
	for _, value := range values {
		total += value
	}
	return total, nil
}

// [end shown]
