// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package guide

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
)

// Story starts two measurements, each with a map of its own.
func Story() {
	web := example.NewCgroup(nil, "web")
	first := start(web)
	web.Send()
	web.Send()
	packets, err := read(first, web)
	example.ShowNumber("first generation", err, packets)

	second := start(web)
	packets, err = read(second, web)
	example.ShowNumber("second starts at", err, packets)
	web.Send()
	packets, err = read(second, web)
	example.ShowNumber("second generation", err, packets)

	// since 5.9 the old entry is still there
	packets, err = read(first, web)
	example.ShowNumber("first map later", err, packets)
	first.Close()
	second.Close()
}

func start(cgroup *example.Cgroup) *ebpf.Collection {
	coll, err := startMeasurement(example.File(), "count", cgroup.FD())
	example.Check(err, "start")
	return coll
}

func read(coll *ebpf.Collection, cgroup *example.Cgroup) (packets uint64, err error) {
	err = coll.Maps["counts"].Lookup(cgroup.Key(), &packets)
	return packets, err
}
