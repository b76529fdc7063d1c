// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package guide closes a gate while programs run.
package guide

// [begin shown]

import (
	"errors"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// key is struct bpf_cgroup_storage_key of linux/bpf.h.
type key struct {
	CgroupID   uint64
	AttachType ebpf.AttachType
	_          uint32 // padding
}

type limits struct {
	Lock   uint32 // struct bpf_spin_lock, which reads as 0
	_      uint32 // padding
	Closed uint64
}

// closeGate writes in place, under the lock. Without a lock, the kernel rejects
// that.
func closeGate(gates *ebpf.Map, k key) error {
	closed := limits{Closed: 1}
	err := gates.Update(k, closed, ebpf.UpdateLock|ebpf.UpdateExist)
	if errors.Is(err, unix.EINVAL) {
		err = gates.Update(k, closed, ebpf.UpdateExist)
	}
	return err
}

// [end shown]
