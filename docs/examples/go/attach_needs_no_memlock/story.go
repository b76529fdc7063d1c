// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
)

const pages = 4 // the map, the program, and two storages

// Story attaches to more cgroups than RLIMIT_MEMLOCK has pages for.
func Story() {
	var cgroups []*example.Cgroup
	for _, name := range []string{"web", "db", "mail", "cache"} {
		cgroups = append(cgroups, example.NewCgroup(nil, name))
	}
	spare, web := example.NewCgroup(nil, "spare"), cgroups[0]
	example.Check(raiseMemlock(), "memlock")
	coll := example.LoadSpec(example.Spec())
	defer coll.Close()
	prog := coll.Programs["count"]
	// after an error package link tries out what it can do: now, before the limit
	_ = example.TryToDetach(prog, web)
	example.LimitMemory(pages)

	var err error
	for _, cgroup := range cgroups {
		if err == nil {
			err = attach(prog, cgroup)
		}
	}
	example.ShowResult("attach to four", err)
	web.Send()
	var packets uint64
	err = coll.Maps["counts"].Lookup(web.Key(), &packets)
	example.ShowNumber("the first still counts", err, packets)

	// before 5.9 this gives a page back
	example.Detach(prog, web)
	example.ShowResult("attach to another", attach(prog, spare))
}

func attach(prog *ebpf.Program, cgroup *example.Cgroup) error {
	return example.TryToAttach(prog, cgroup, ebpf.AttachCGroupInetEgress, 0)
}
