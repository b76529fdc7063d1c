// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix probes for 8-byte keys.
package fix

// [begin shown]

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// hasShortKeys probes for 8-byte keys with a call that has one fault at most.
func hasShortKeys() (bool, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return false, fmt.Errorf("raise RLIMIT_MEMLOCK: %w", err)
	}
	probe, err := ebpf.NewMap(&ebpf.MapSpec{
		Type: ebpf.CGroupStorage, KeySize: 8, ValueSize: 8,
	})
	if errors.Is(err, unix.EINVAL) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, probe.Close()
}

// [end shown]
