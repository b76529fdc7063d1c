// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package guide

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
)

// Story closes a gate while a program looks at it.
func Story() {
	web := example.NewCgroup(nil, "web")
	err := example.Probe(ebpf.PerCPUCGroupStorage, 16)
	example.ShowResult("per-CPU map", err)
	if err != nil { // before 4.20
		return
	}
	coll := example.Load()
	defer coll.Close()
	gates := coll.Maps["limits"]
	k := key{CgroupID: web.ID(), AttachType: ebpf.AttachCGroupInetEgress}
	example.Attach(coll.Programs["gate"], web)
	example.ShowResult("lock in value", locks())
	example.RunOnCPU(0)
	example.ShowVerdict("packet", web.TryToSend())
	err = gates.Update(k, limits{}, ebpf.UpdateLock|ebpf.UpdateExist)
	example.ShowResult("locked update", err)
	example.Check(closeGate(gates, k), "close the gate")
	example.RunOnCPU(1)
	example.ShowVerdict("next packet", web.TryToSend())

	var values []uint64
	example.Check(coll.Maps["counts"].Lookup(k, &values), "look up")
	var packets uint64
	for _, value := range values {
		packets += value
	}
	example.ShowNumber("packets", nil, packets)
}

// locks tells whether the kernel accepts BTF, and finds the lock by it.
func locks() error {
	gates, err := ebpf.NewMap(example.Spec().Maps["limits"])
	if err != nil {
		return err
	}
	return gates.Close()
}
