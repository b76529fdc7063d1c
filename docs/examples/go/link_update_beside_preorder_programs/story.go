// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

const runFirst = 1 << 6 // BPF_F_PREORDER, since 6.15

// Story updates a link below a cgroup whose program runs before all others. Kernels from 6.15 to
// 7.1 crash: run this in a virtual machine only.
func Story() {
	site := example.NewCgroup(nil, "site")
	web := example.NewCgroup(site, "web")
	first := load(true)
	defer first.Close()
	egress := ebpf.AttachCGroupInetEgress
	err := example.TryToAttach(first.Programs["guard"], site, egress, runFirst)
	example.ShowResult("attach the guard to run first", err)
	coll := load(false)
	defer coll.Close()
	if err == nil {
		update(coll, web)
	}

	// the fix, in a cgroup of its own
	db := example.NewCgroup(nil, "db")
	attached, err := link.AttachCgroup(link.CgroupOptions{
		Path: db.Path, Attach: egress, Program: coll.Programs["old"],
	})
	example.Check(err, "link")
	attached, err = replaceLink(attached, coll.Programs["new"], db.Path, egress)
	example.Check(err, "replace")
	db.Send()
	var value uint64
	example.Check(coll.Maps["counts"].Lookup(db.Key(), &value), "look up")
	example.Require(value == 5, "the new program did not run alone")
	example.Check(attached.Close(), "close")
}

func update(coll *ebpf.Collection, web *example.Cgroup) {
	attached, err := link.AttachRawLink(link.RawLinkOptions{
		Target: web.FD(), Program: coll.Programs["old"], Attach: ebpf.AttachCGroupInetEgress,
	})
	example.Check(err, "link")
	defer attached.Close()
	web.Send()
	// of the same map: this is the right way to replace a program
	err = attached.Update(coll.Programs["new"])
	if err == nil {
		err = web.TryToSend()
	}
	example.ShowResult("update, and a packet", err)
	var value uint64
	err = coll.Maps["counts"].Lookup(web.Key(), &value)
	example.ShowNumber("count", err, value)
}

// load loads the guard alone or all but it: before 5.9 a map belongs to one program.
func load(guard bool) *ebpf.Collection {
	spec := example.Spec()
	for name := range spec.Programs {
		if (name == "guard") != guard {
			delete(spec.Programs, name)
		}
	}
	return example.LoadSpec(spec)
}
