// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package guide

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
)

// Story moves a counter to BPF_MAP_TYPE_CGRP_STORAGE.
func Story() {
	web := example.NewCgroup(nil, "web")
	app := example.NewCgroup(web, "app")
	// before 6.2 the map type is unknown
	coll, err := ebpf.NewCollection(example.Spec())
	example.ShowResult("create", err)
	if err != nil {
		return
	}
	defer coll.Close()
	counts, fresh := coll.Maps["counts"], coll.Maps["cgrp_counts"]
	sockets, err := read(fresh, web)
	example.ShowNumber("nothing yet", err, sockets)

	// the old program at work
	example.AttachTo(coll.Programs["count"], web, ebpf.AttachCGroupInetSockCreate)
	for i := 0; i < 7; i++ {
		example.CloseSocket(web.Socket())
	}
	k := key{CgroupID: web.ID(), AttachType: ebpf.AttachCGroupInetSockCreate}
	example.ShowResult("carry over", copyEntry(counts, k, fresh, web.Path))
	example.DetachFrom(coll.Programs["count"], web, ebpf.AttachCGroupInetSockCreate)

	sockets, err = read(fresh, web)
	example.ShowNumber("measured", err, sockets)
	sockets, err = read(fresh, app)
	example.ShowNumber("child", err, sockets)
	var next uint32
	example.ShowResult("next key", fresh.NextKey(uint32(web.FD()), &next))

	// what detaching and attaching used to do
	example.ShowResult("remove", deleteEntry(fresh, web.Path))
	sockets, err = read(fresh, web)
	example.ShowNumber("removed", err, sockets)
	err = fresh.Update(uint32(web.FD()), uint64(0), ebpf.UpdateNoExist)
	example.Check(err, "update")
	sockets, err = read(fresh, web)
	example.ShowNumber("starts again at", err, sockets)

	// the new program continues from there
	example.AttachTo(coll.Programs["cgrp_count"], web, ebpf.AttachCGroupInetSockCreate)
	example.CloseSocket(web.Socket())
	sockets, err = read(fresh, web)
	example.Check(err, "look up")
	example.Require(sockets == 1, "the new program did not count")
}

func read(counts *ebpf.Map, cgroup *example.Cgroup) (sockets uint64, err error) {
	err = counts.Lookup(uint32(cgroup.FD()), &sockets)
	return sockets, err
}
