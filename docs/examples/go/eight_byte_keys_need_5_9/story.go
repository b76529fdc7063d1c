// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
)

// Story counts with the shortest key that the kernel accepts.
func Story() {
	web := example.NewCgroup(nil, "web")
	example.ShowResult("12 bytes", example.Probe(ebpf.CGroupStorage, 12))
	example.ShowResult("8 bytes, per-CPU", example.Probe(ebpf.PerCPUCGroupStorage, 8))
	example.ShowResult("8 bytes", example.Probe(ebpf.CGroupStorage, 8))
	counts, err := createCounts()
	example.Check(err, "create")
	defer counts.Close()
	spec := example.Spec()
	spec.Maps["counts"].KeySize = counts.KeySize()
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
		MapReplacements: map[string]*ebpf.Map{"counts": counts},
	})
	example.Check(err, "load")
	defer coll.Close()
	example.Attach(coll.Programs["count"], web)
	web.Send()
	web.Send()
	var packets uint64
	if counts.KeySize() == 8 {
		err = counts.Lookup(web.ID(), &packets)
	} else {
		err = counts.Lookup(web.Key(), &packets)
	}
	example.ShowNumber("two packets", err, packets)
}
