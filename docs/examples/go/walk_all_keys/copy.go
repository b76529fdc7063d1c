// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package guide calls a function for each entry.
package guide

// [begin shown]

import (
	"errors"

	"github.com/cilium/ebpf"
)

// key is struct bpf_cgroup_storage_key of linux/bpf.h.
type key struct {
	CgroupID   uint64
	AttachType ebpf.AttachType
	_          uint32 // padding
}

// forEachEntry calls a function for each entry. Map.Iterate ends after one
// entry.
func forEachEntry(counts *ebpf.Map, act func(k key, value uint64)) error {
	var k key
	var last interface{} // nil: from the first key
	for {
		err := counts.NextKey(last, &k)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		last = k
		var value uint64
		err = counts.Lookup(k, &value)
		if errors.Is(err, ebpf.ErrKeyNotExist) { // removed, or an invalid key
			continue
		}
		if err != nil {
			return err
		}
		act(k, value)
	}
}

// [end shown]
