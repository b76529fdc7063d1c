// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package guide keeps the cgroup id as the key.
package guide

// [begin shown]

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
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

// countCgroup creates the entry of a cgroup: its attachment hides that of its
// parent.
func countCgroup(cgroup int, prog *ebpf.Program) error {
	return link.RawAttachProgram(link.RawAttachProgramOptions{
		Target:  cgroup,
		Program: prog,
		Attach:  ebpf.AttachCGroupInetEgress,
		Flags:   unix.BPF_F_ALLOW_OVERRIDE,
	})
}

// lookup reads the packets of a cgroup, with either key.
func lookup(counts *ebpf.Map, id uint64) (packets uint64, err error) {
	if counts.KeySize() == 8 {
		err = counts.Lookup(id, &packets)
		return packets, err
	}
	key := struct {
		CgroupID   uint64
		AttachType ebpf.AttachType
		_          uint32 // padding
	}{CgroupID: id, AttachType: ebpf.AttachCGroupInetEgress}
	err = counts.Lookup(key, &packets)
	return packets, err
}

// [end shown]
