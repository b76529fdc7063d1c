// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package guide measures without writing to the map.
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

type measurement struct {
	counts   *ebpf.Map
	key      key
	baseline uint64
}

// start is called after the program was attached.
func start(counts *ebpf.Map, k key) (*measurement, error) {
	m := &measurement{counts: counts, key: k}
	if err := counts.Lookup(k, &m.baseline); err != nil {
		return nil, fmt.Errorf("read the baseline: %w", err)
	}
	return m, nil
}

// packets returns the packets since the start.
func (m *measurement) packets() (uint64, error) {
	var now uint64
	if err := m.counts.Lookup(m.key, &now); err != nil {
		return 0, fmt.Errorf("read the counter: %w", err)
	}
	return now - m.baseline, nil
}

// [end shown]
