// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix raises RLIMIT_MEMLOCK.
package fix

// [begin shown]

import "github.com/cilium/ebpf/rlimit"

// raiseMemlock raises RLIMIT_MEMLOCK, which kernels before 5.11 check. Package
// ebpf does not do this by itself.
func raiseMemlock() error {
	return rlimit.RemoveMemlock()
}

// [end shown]
