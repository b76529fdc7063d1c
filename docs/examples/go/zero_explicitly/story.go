// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package guide

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
)

// Story measures twice, each time from zero.
func Story() {
	web := example.NewCgroup(nil, "web")
	err := example.Probe(ebpf.PerCPUCGroupStorage, 16)
	example.ShowResult("per-CPU map", err)
	spec, name, unused := example.Spec(), "count_both", "count"
	if err != nil { // before 4.20
		name, unused = unused, name
		delete(spec.Maps, "per_cpu")
	}
	delete(spec.Programs, unused)
	coll := example.LoadSpec(spec)
	defer coll.Close()
	prog, counts, perCPU := coll.Programs[name], coll.Maps["counts"], coll.Maps["per_cpu"]
	k := key{CgroupID: web.ID(), AttachType: ebpf.AttachCGroupInetEgress}
	begin := func() {
		example.Attach(prog, web)
		example.Check(resetShared(counts, k), "reset")
		if perCPU != nil {
			example.Check(resetPerCPU(perCPU, k), "reset each CPU")
		}
	}
	read := func() (packets uint64, err error) {
		err = counts.Lookup(k, &packets)
		return packets, err
	}

	begin()
	example.RunOnCPU(1)
	web.Send()
	packets, err := read()
	example.ShowNumber("first measurement", err, packets)

	example.Detach(prog, web)
	begin()
	packets, err = read()
	example.ShowNumber("second starts at", err, packets)
	var values []uint64
	if perCPU != nil {
		err = perCPU.Lookup(k, &values)
		example.ShowList("CPUs start at", err, values[:2])
	}
	example.RunOnCPU(0)
	web.Send()
	packets, err = read()
	example.ShowNumber("second measurement", err, packets)
	if perCPU != nil {
		err = perCPU.Lookup(k, &values)
		example.ShowList("CPUs measure", err, values[:2])
	}
}
