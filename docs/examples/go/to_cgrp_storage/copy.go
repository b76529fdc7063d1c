// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package guide copies an entry to the new map, reads it and deletes it.
package guide

// [begin shown]

import (
	"fmt"
	"os"

	"github.com/cilium/ebpf"
)

// key is struct bpf_cgroup_storage_key of linux/bpf.h.
type key struct {
	CgroupID   uint64
	AttachType ebpf.AttachType
	_          uint32 // padding
}

// copyEntry copies a value of the old map; unix.EEXIST if the new program
// already counts.
func copyEntry(oldMap *ebpf.Map, k key, newMap *ebpf.Map, path string) error {
	var value uint64
	if err := oldMap.Lookup(k, &value); err != nil {
		return fmt.Errorf("read the old map: %w", err)
	}
	cgroup, err := os.Open(path)
	if err != nil {
		return err
	}
	defer cgroup.Close()
	return newMap.Update(uint32(cgroup.Fd()), value, ebpf.UpdateNoExist)
}

// deleteEntry resets: detaching a program does not remove its entries.
func deleteEntry(newMap *ebpf.Map, path string) error {
	cgroup, err := os.Open(path)
	if err != nil {
		return err
	}
	defer cgroup.Close()
	return newMap.Delete(uint32(cgroup.Fd()))
}

// [end shown]
