// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package guide replaces the program of a hook without a gap.
package guide

// [begin shown]

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// key is struct bpf_cgroup_storage_key of linux/bpf.h.
type key struct {
	CgroupID   uint64
	AttachType ebpf.AttachType
	_          uint32 // padding
}

// loadVersion loads a new version. To keep the data, pass the old map: before
// 5.9 this fails with unix.EBUSY. To reset the data, pass nil.
func loadVersion(file, name string, old *ebpf.Map) (*ebpf.Collection, error) {
	spec, err := ebpf.LoadCollectionSpec(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	var opts ebpf.CollectionOptions
	if old != nil {
		opts.MapReplacements = map[string]*ebpf.Map{name: old}
	}
	return ebpf.NewCollectionWithOptions(spec, opts)
}

// replace replaces the program that is attached with flags 0.
func replace(cgroup int, attach ebpf.AttachType, prog *ebpf.Program) error {
	return link.RawAttachProgram(link.RawAttachProgramOptions{
		Target:  cgroup,
		Program: prog,
		Attach:  attach,
	})
}

// replaceAndCopy attaches, after unix.EBUSY, a program that has a new map, and
// copies the value.
func replaceAndCopy(
	cgroup int, prog *ebpf.Program, oldMap, newMap *ebpf.Map, k key,
) error {
	var value uint64
	if err := oldMap.Lookup(k, &value); err != nil {
		return fmt.Errorf("read the old map: %w", err)
	}
	if err := replace(cgroup, k.AttachType, prog); err != nil {
		return err
	}
	return newMap.Update(k, value, ebpf.UpdateExist)
}

// [end shown]
