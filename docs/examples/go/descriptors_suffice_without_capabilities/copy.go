// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix opens a pinned map for reading.
package fix

// [begin shown]

import "github.com/cilium/ebpf"

// openReadOnly opens a pinned map with a descriptor that cannot write.
func openReadOnly(pin string) (*ebpf.Map, error) {
	return ebpf.LoadPinnedMap(pin, &ebpf.LoadPinOptions{ReadOnly: true})
}

// [end shown]
