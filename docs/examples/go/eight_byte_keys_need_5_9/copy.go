// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix creates a map with the shortest key.
package fix

// [begin shown]

import (
	"errors"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// createCounts creates a map with the shortest key that the kernel accepts: see
// Map.KeySize.
func createCounts() (*ebpf.Map, error) {
	counts := ebpf.MapSpec{
		Name: "counts", Type: ebpf.CGroupStorage, KeySize: 8, ValueSize: 8,
	}
	m, err := ebpf.NewMap(&counts)
	if errors.Is(err, unix.EINVAL) { // before 5.9
		counts.KeySize = 16 // struct bpf_cgroup_storage_key
		m, err = ebpf.NewMap(&counts)
	}
	return m, err
}

// [end shown]
