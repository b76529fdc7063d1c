// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// Story attaches a program directly and through a link. In 5.7 and 5.8 this corrupts the map:
// run this in a virtual machine only.
func Story() {
	web := example.NewCgroup(nil, "web")
	coll := example.Load()
	defer coll.Close()
	prog, counts := coll.Programs["count"], coll.Maps["counts"]
	egress := ebpf.AttachCGroupInetEgress
	id := example.ProgramID(prog)
	attached, err := isAttached(web.FD(), egress, id)
	example.Check(err, "query")
	example.Require(!attached, "attached before")
	example.ShowResult("attach", example.TryToAttach(prog, web, egress, 0))
	attached, err = isAttached(web.FD(), egress, id)
	example.Check(err, "query")
	example.Require(attached, "not attached")

	// links are there since 5.7, and work since 5.9
	second, err := link.AttachRawLink(link.RawLinkOptions{
		Target: web.FD(), Program: prog, Attach: egress,
	})
	example.ShowResult("link", err)
	if err == nil {
		defer second.Close()
	}
	web.Send()
	var packets uint64
	err = counts.Lookup(web.Key(), &packets)
	example.ShowNumber("one packet", err, packets)
	example.Detach(prog, web)
	err = counts.Lookup(web.Key(), &packets)
	example.ShowNumber("after detach", err, packets)
	web.Send()
	err = counts.Lookup(web.Key(), &packets)
	example.ShowNumber("one more packet", err, packets)
}
