// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix reads a value before its cgroup is removed.
package fix

// [begin shown]

import (
	"fmt"
	"os"

	"github.com/cilium/ebpf"
)

// key is struct bpf_cgroup_storage_key of linux/bpf.h.
type key struct {
	CgroupID   uint64
	AttachType ebpf.AttachType
	_          uint32 // padding
}

// readAndRemove reads the last value of a cgroup and removes the cgroup.
func readAndRemove(
	counts *ebpf.Map, k key, path string,
) (value uint64, err error) {
	if err := counts.Lookup(k, &value); err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	return value, os.Remove(path)
}

// [end shown]
