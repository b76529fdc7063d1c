// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package guide lets two programs use one map, or copies the value between two.
package guide

// [begin shown]

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// key is struct bpf_cgroup_storage_key of linux/bpf.h.
type key struct {
	CgroupID   uint64
	AttachType ebpf.AttachType
	_          uint32 // padding
}

// chooseMaps returns the map that both programs use. Before 5.9 it is nil: then
// each program keeps its own map, with a longer key. Call it before loading,
// and use the result as CollectionOptions.MapReplacements of both maps.
func chooseMaps(writer, reader *ebpf.MapSpec) (*ebpf.Map, error) {
	shared, err := ebpf.NewMap(&ebpf.MapSpec{
		Name:      "config",
		Type:      ebpf.CGroupStorage,
		KeySize:   8, // the cgroup id alone
		ValueSize: 8,
	})
	if errors.Is(err, unix.EINVAL) {
		writer.KeySize, reader.KeySize = 16, 16
		return nil, nil
	}
	return shared, err
}

// copyValue is for two maps: call it after each change, so that the reader sees
// it.
func copyValue(writer, reader *ebpf.Map, id uint64) error {
	var value uint64
	from := key{CgroupID: id, AttachType: ebpf.AttachCGroupSetsockopt}
	if err := writer.Lookup(from, &value); err != nil {
		return fmt.Errorf("read the writer's map: %w", err)
	}
	to := key{CgroupID: id, AttachType: ebpf.AttachCGroupInet4Connect}
	return reader.Update(to, value, ebpf.UpdateExist)
}

// [end shown]
