// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package guide uses the 8-byte key where the kernel accepts it.
package guide

// [begin shown]

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// chooseKeySize gives the map the key that the kernel accepts. Call it before
// loading.
func chooseKeySize(counts *ebpf.MapSpec) error {
	probe, err := ebpf.NewMap(&ebpf.MapSpec{
		Type: ebpf.CGroupStorage, KeySize: 8, ValueSize: 8,
	})
	if errors.Is(err, unix.EINVAL) { // before 5.9
		counts.KeySize = 16
		return nil
	}
	if err != nil {
		return fmt.Errorf("probe for 8-byte keys: %w", err)
	}
	return probe.Close()
}

// readTotal adds up the entries of a cgroup. The id is the first field of both
// keys.
func readTotal(counts *ebpf.Map, id uint64) (total uint64, err error) {
	var last interface{} // nil: from the first key
	for {
		key, err := counts.NextKeyBytes(last)
		if err != nil || key == nil {
			return total, err
		}
		last = key
		var packets uint64
		err = counts.Lookup(key, &packets)
		if errors.Is(err, ebpf.ErrKeyNotExist) { // removed, or an invalid key
			continue
		}
		if err != nil {
			return total, err
		}
		if binary.LittleEndian.Uint64(key) == id { // BigEndian on s390x
			total += packets
		}
	}
}

// [end shown]
