// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package guide

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
)

// Story sends packets on two CPUs.
func Story() {
	web := example.NewCgroup(nil, "web")
	err := example.Probe(ebpf.PerCPUCGroupStorage, 16)
	example.ShowResult("per-CPU map", err)
	if err != nil { // before 4.20
		return
	}
	coll := example.Load()
	defer coll.Close()
	bytes := coll.Maps["bytes"]
	example.Attach(coll.Programs["count"], web)
	example.RunOnCPU(0)
	web.Send()
	example.RunOnCPU(1)
	web.Send()
	web.Send()
	var values []uint64
	example.Check(bytes.Lookup(web.Key(), &values), "look up")
	example.ShowList("CPUs 0 and 1", nil, values[:2])
	total, err := readTotal(bytes, key{CgroupID: web.ID(), AttachType: ebpf.AttachCGroupInetEgress})
	example.ShowNumber("total", err, total)
}
