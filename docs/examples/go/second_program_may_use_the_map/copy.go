// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix keeps a map to one instance.
package fix

// [begin shown]

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// createAndPin creates and pins a map: call it first. A second instance gets
// unix.EEXIST.
func createAndPin(pin string) (*ebpf.Map, error) {
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

// [end shown]
