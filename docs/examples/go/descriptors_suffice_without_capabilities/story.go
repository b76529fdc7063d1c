// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"errors"

	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

const pin = "/sys/fs/bpf/example_descriptors"

// Story uses descriptors without capabilities.
func Story() {
	web := example.NewCgroup(nil, "web")
	coll := example.Load()
	defer coll.Close()
	counts, count, guard := coll.Maps["counts"], coll.Programs["count"], coll.Programs["guard"]
	example.Attach(count, web)
	web.Send()
	tryReadOnly(counts, web)

	// after an error package link tries out what it can do: now, with capabilities
	_ = example.TryToDetach(guard, web)
	key := web.Key()
	example.WithoutCapabilities(func() {
		var value uint64
		err := counts.Lookup(key, &value)
		example.ShowNumber("lookup", err, value)
		example.ShowResult("update", counts.Update(key, uint64(0), ebpf.UpdateAny))
		err = example.TryToAttach(guard, web, ebpf.AttachCGroupInet4Connect, 0)
		example.ShowResult("attach", err)
		example.ShowResult("detach", example.TryToDetach(count, web))
		example.ShowResult("create a map", example.Probe(ebpf.CGroupStorage, 16))
	})
}

func tryReadOnly(counts *ebpf.Map, web *example.Cgroup) {
	example.Check(counts.Pin(pin), "pin")
	defer counts.Unpin()
	reader, err := openReadOnly(pin)
	example.Check(err, "open")
	defer reader.Close()
	var value uint64
	example.Check(reader.Lookup(web.Key(), &value), "read")
	err = reader.Update(web.Key(), value, ebpf.UpdateAny)
	example.Require(errors.Is(err, unix.EPERM), "the descriptor can write")
}
