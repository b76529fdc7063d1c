// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package guide

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
)

// Story counts in a cgroup and in its child.
func Story() {
	web := example.NewCgroup(nil, "web")
	app := example.NewCgroup(web, "app")
	spec := example.Spec()
	example.ShowResult("u64 key", example.Probe(ebpf.CGroupStorage, 8))
	example.Check(chooseKeySize(spec.Maps["counts"]), "key size")
	coll := example.LoadSpec(spec)
	defer coll.Close()
	counts, prog := coll.Maps["counts"], coll.Programs["count"]

	// counted where the program is attached: in the parent
	example.Check(countCgroup(web.FD(), prog), "attach")
	app.Send()
	packets, err := lookup(counts, app.ID())
	example.ShowNumber("child unattached", err, packets)

	example.Check(countCgroup(app.FD(), prog), "attach")
	app.Send()
	app.Send()
	packets, err = lookup(counts, web.ID())
	example.ShowNumber("parent", err, packets)
	id := app.ID()
	packets, err = lookup(counts, id)
	example.ShowNumber("child", err, packets)

	// user space cannot delete: the kernel frees the entry with its cgroup
	var bytes interface{} = id
	if counts.KeySize() != 8 {
		bytes = app.Key()
	}
	example.ShowResult("delete", counts.Delete(bytes))
	app.Remove()
	example.WaitUntilGone(counts, bytes)
	packets, err = lookup(counts, id)
	example.ShowNumber("after rmdir", err, packets)
}
