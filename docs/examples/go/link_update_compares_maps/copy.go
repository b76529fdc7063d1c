// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix loads a program with the map of another one.
package fix

// [begin shown]

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// loadWithMap loads a file with an existing map in place of its map of this
// name.
func loadWithMap(file, name string, m *ebpf.Map) (*ebpf.Collection, error) {
	spec, err := ebpf.LoadCollectionSpec(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
		MapReplacements: map[string]*ebpf.Map{name: m},
	})
}

// [end shown]
