// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package guide

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
)

// Story counts in both directions with one object.
func Story() {
	web := example.NewCgroup(nil, "web")
	spec := example.Spec()
	example.ShowResult("8-byte key", example.Probe(ebpf.CGroupStorage, 8))
	example.Check(chooseKeySize(spec.Maps["counts"]), "key size")
	coll := example.LoadSpec(spec)
	defer coll.Close()
	counts, prog := coll.Maps["counts"], coll.Programs["count"]
	example.AttachTo(prog, web, ebpf.AttachCGroupInetIngress)
	example.AttachTo(prog, web, ebpf.AttachCGroupInetEgress)
	web.Receive()
	web.Send()
	web.Send()
	example.ShowNumber("entries", nil, entries(counts))
	total, err := readTotal(counts, web.ID())
	example.ShowNumber("packets", err, total)
}

func entries(counts *ebpf.Map) (found uint64) {
	for key, err := counts.NextKeyBytes(nil); key != nil; key, err = counts.NextKeyBytes(key) {
		example.Check(err, "next key")
		if value, _ := counts.LookupBytes(key); value != nil {
			found++
		}
	}
	return found
}
