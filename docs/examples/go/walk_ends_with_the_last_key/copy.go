// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix iterates over all entries.
package fix

// [begin shown]

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// key is struct bpf_cgroup_storage_key of linux/bpf.h.
type key struct {
	CgroupID   uint64
	AttachType ebpf.AttachType
	_          uint32 // padding
}

// printAll iterates over all entries, on every release. Map.Iterate ends after
// one entry.
func printAll(counts *ebpf.Map) error {
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
		fmt.Printf("cgroup %d: %d\n", k.CgroupID, value)
	}
}

// [end shown]
