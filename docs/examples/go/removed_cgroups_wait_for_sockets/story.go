// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"github.com/cilium/ebpf"

	"example.org/cgroupstorage/internal/example"
)

// Story removes a cgroup and its parent while a socket of the child still sends. 5.3 and 5.4
// before 5.4.13 free the parent's programs too early: run this in a virtual machine only.
func Story() {
	shop := example.NewCgroup(nil, "shop")
	web := example.NewCgroup(shop, "web")
	coll := example.Load()
	defer coll.Close()
	prog, counts := coll.Programs["count"], coll.Maps["counts"]
	ofShop := key{CgroupID: shop.ID(), AttachType: ebpf.AttachCGroupInetEgress}
	ofWeb := key{CgroupID: web.ID(), AttachType: ebpf.AttachCGroupInetEgress}
	example.Attach(prog, shop)
	example.Attach(prog, web)
	sock := web.Socket()
	example.Check(example.TryToSendOn(sock), "send")
	var packets uint64
	packets, err := readAndRemove(counts, ofWeb, web.Path)
	example.ShowNumber("before rmdir", err, packets)
	err = counts.Lookup(ofWeb, &packets)
	example.ShowNumber("after rmdir", err, packets)
	example.Check(example.TryToSendOn(sock), "send")
	err = counts.Lookup(ofWeb, &packets)
	example.ShowNumber("one packet later", err, packets)

	shop.Remove()
	example.ShowVerdict("packet after both are gone", example.TryToSendOn(sock))
	err = counts.Lookup(ofShop, &packets)
	example.ShowNumber("entry of shop", err, packets)

	// now both are freed, a little later
	example.CloseSocket(sock)
	example.WaitUntilGone(counts, ofWeb)
	err = counts.Lookup(ofWeb, &packets)
	example.ShowNumber("socket closed", err, packets)
	example.WaitUntilGone(counts, ofShop)
	err = counts.Lookup(ofShop, &packets)
	example.ShowNumber("entry of shop, later", err, packets)
}
