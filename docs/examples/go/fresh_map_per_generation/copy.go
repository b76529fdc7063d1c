// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package guide starts a measurement with a new map.
package guide

// [begin shown]

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// startMeasurement loads a file, which creates a new map, and replaces the
// attached program with the one of this name. Close the old collection when you
// have read its map.
func startMeasurement(file, name string, cgroup int) (*ebpf.Collection, error) {
	coll, err := ebpf.LoadCollection(file)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", file, err)
	}
	// flags 0: the kernel replaces the program in one step
	err = link.RawAttachProgram(link.RawAttachProgramOptions{
		Target:  cgroup,
		Program: coll.Programs[name],
		Attach:  ebpf.AttachCGroupInetEgress,
	})
	if err != nil {
		coll.Close()
		return nil, fmt.Errorf("attach %s: %w", name, err)
	}
	return coll, nil
}

// [end shown]
