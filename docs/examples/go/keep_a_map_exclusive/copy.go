// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package guide creates a map that only one instance can use.
package guide

// [begin shown]

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// createExclusive creates and pins a map: unix.EEXIST in a second instance.
func createExclusive(pin string) (*ebpf.Map, error) {
	counts, err := ebpf.NewMap(&ebpf.MapSpec{
		Name:      "counts",
		Type:      ebpf.CGroupStorage,
		KeySize:   16, // struct bpf_cgroup_storage_key
		ValueSize: 8,
	})
	if err != nil {
		return nil, fmt.Errorf("create a map: %w", err)
	}
	if err := counts.Pin(pin); err != nil {
		counts.Close()
		return nil, fmt.Errorf("pin %s: %w", pin, err)
	}
	return counts, nil
}

// loadWith loads a file with this map. Attach its programs afterwards.
func loadWith(file, name string, counts *ebpf.Map) (*ebpf.Collection, error) {
	spec, err := ebpf.LoadCollectionSpec(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
		MapReplacements: map[string]*ebpf.Map{name: counts},
	})
}

// [end shown]
