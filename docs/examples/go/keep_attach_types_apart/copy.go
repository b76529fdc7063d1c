// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package guide counts ingress and egress in two maps.
package guide

// [begin shown]

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// counters are the names in the object file: a program and its map for each
// direction.
var counters = []struct {
	program, counts string
	attach          ebpf.AttachType
}{
	{"count_in", "in", ebpf.AttachCGroupInetIngress},
	{"count_out", "out", ebpf.AttachCGroupInetEgress},
}

// attachBoth attaches a program for each direction.
func attachBoth(coll *ebpf.Collection, cgroup int) error {
	for _, counter := range counters {
		err := link.RawAttachProgram(link.RawAttachProgramOptions{
			Target:  cgroup,
			Program: coll.Programs[counter.program],
			Attach:  counter.attach,
			Flags:   unix.BPF_F_ALLOW_MULTI,
		})
		if err != nil {
			return fmt.Errorf("attach %s: %w", counter.program, err)
		}
	}
	return nil
}

// readBoth returns the packets of a cgroup: of ingress, then of egress.
func readBoth(coll *ebpf.Collection, id uint64) (packets [2]uint64, err error) {
	for i, counter := range counters {
		key := struct {
			CgroupID   uint64
			AttachType ebpf.AttachType
			_          uint32 // padding
		}{CgroupID: id, AttachType: counter.attach}
		err := coll.Maps[counter.counts].Lookup(key, &packets[i])
		if err != nil {
			return packets, fmt.Errorf("read %s: %w", counter.counts, err)
		}
	}
	return packets, nil
}

// [end shown]
