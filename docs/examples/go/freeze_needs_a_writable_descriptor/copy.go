// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix freezes a map once.
package fix

// [begin shown]

import "github.com/cilium/ebpf"

// freezeOnce freezes a map once, through a writable descriptor.
func freezeOnce(m *ebpf.Map, frozen *bool) error {
	if *frozen {
		return nil
	}
	err := m.Freeze()
	*frozen = err == nil
	return err
}

// [end shown]
