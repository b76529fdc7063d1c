// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix adds up values without batch commands.
package fix

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

// sumValues adds up the values of all keys, without Map.BatchLookup.
func sumValues(counts *ebpf.Map) (sum uint64, err error) {
	var k key
	var last interface{} // nil: from the first key
	for {
		err := counts.NextKey(last, &k)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
		last = k
		var value uint64
		if counts.Lookup(k, &value) == nil {
			sum += value
		}
	}
}

// [end shown]
