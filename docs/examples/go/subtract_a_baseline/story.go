// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package guide

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
)

// Story measures twice.
func Story() {
	web := example.NewCgroup(nil, "web")
	coll := example.Load()
	defer coll.Close()
	prog, counts := coll.Programs["count"], coll.Maps["counts"]
	example.Attach(prog, web)
	first := measure(counts, web)
	web.Send()
	packets, err := first.packets()
	example.ShowNumber("first measurement", err, packets)

	example.Detach(prog, web)
	example.Attach(prog, web)
	// zero before 5.9, the last value since
	second := measure(counts, web)
	example.ShowNumber("counter at the start", nil, second.baseline)
	web.Send()
	web.Send()
	packets, err = second.packets()
	example.ShowNumber("second measurement", err, packets)
}

func measure(counts *ebpf.Map, cgroup *example.Cgroup) *measurement {
	m, err := start(counts, key{CgroupID: cgroup.ID(), AttachType: ebpf.AttachCGroupInetEgress})
	example.Check(err, "start")
	return m
}
