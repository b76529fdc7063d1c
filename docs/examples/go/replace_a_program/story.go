// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package guide

import (
	"errors"

	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Story replaces a program with its data, and without.
func Story() {
	web := example.NewCgroup(nil, "web")
	k := key{CgroupID: web.ID(), AttachType: ebpf.AttachCGroupInetEgress}
	v1 := load(nil)
	put(web, v1)
	web.Send()
	web.Send()

	// with its data
	v2, err := loadVersion(example.File(), "counts", v1.Maps["counts"])
	example.ShowResult("same map", err)
	switch {
	case err == nil:
		put(web, v2)
	case errors.Is(err, unix.EBUSY):
		v2 = load(nil)
		old, fresh := v1.Maps["counts"], v2.Maps["counts"]
		example.Check(replaceAndCopy(web.FD(), v2.Programs["count"], old, fresh, k), "copy")
	default:
		example.Check(err, "load with the same map")
	}
	v1.Close()
	example.ShowNumber("kept", nil, read(v2, k))
	web.Send()
	example.ShowNumber("goes on at", nil, read(v2, k))

	// without
	v3 := load(nil)
	old, fresh := v2.Maps["counts"], v3.Maps["counts"]
	example.Check(replaceAndCopy(web.FD(), v3.Programs["count"], old, fresh, k), "copy")
	example.Require(read(v3, k) == read(v2, k), "the value was not copied")
	v4 := load(nil)
	put(web, v4)
	example.ShowNumber("fresh", nil, read(v4, k))
	v2.Close()
	v3.Close()
	v4.Close()
}

func load(old *ebpf.Map) *ebpf.Collection {
	coll, err := loadVersion(example.File(), "counts", old)
	example.Check(err, "load")
	return coll
}

func put(cgroup *example.Cgroup, coll *ebpf.Collection) {
	err := replace(cgroup.FD(), ebpf.AttachCGroupInetEgress, coll.Programs["count"])
	example.Check(err, "attach")
}

func read(coll *ebpf.Collection, k key) (packets uint64) {
	example.Check(coll.Maps["counts"].Lookup(k, &packets), "look up")
	return packets
}
