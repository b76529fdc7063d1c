// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
)

const pin = "/sys/fs/bpf/example_freeze"

// Story freezes a map through several descriptors.
func Story() {
	web := example.NewCgroup(nil, "web")
	coll := example.Load()
	defer coll.Close()
	counts, others := coll.Maps["counts"], coll.Maps["others"]
	example.Attach(coll.Programs["count"], web)
	reader := openForReading(counts)
	defer reader.Close()
	// package ebpf tries out whether maps can be frozen: with capabilities
	tryOnce()

	example.ShowResult("freeze by reader", reader.Freeze())
	example.ShowResult("update by owner", counts.Update(web.Key(), uint64(9), ebpf.UpdateAny))
	example.ShowResult("freeze by owner", counts.Freeze())
	example.ShowResult("freeze again", counts.Freeze())
	example.WithoutCapabilities(func() {
		example.ShowResult("freeze without capability", others.Freeze())
	})
}

func openForReading(counts *ebpf.Map) *ebpf.Map {
	example.Check(counts.Pin(pin), "pin")
	defer counts.Unpin()
	reader, err := ebpf.LoadPinnedMap(pin, &ebpf.LoadPinOptions{ReadOnly: true})
	example.Check(err, "open")
	return reader
}

func tryOnce() {
	m, err := example.NewMap("once", ebpf.CGroupStorage, 16)
	example.Check(err, "create")
	defer m.Close()
	var frozen bool
	example.Check(freezeOnce(m, &frozen), "freeze")
	example.Check(freezeOnce(m, &frozen), "freeze again")
	example.Require(frozen, "not frozen")
}
