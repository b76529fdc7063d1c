// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package guide

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Story attaches a program to a cgroup, asks for it and for its child, and detaches it.
func Story() {
	web := example.NewCgroup(nil, "web")
	app := example.NewCgroup(web, "app")
	coll := example.Load()
	defer coll.Close()
	prog, counts := coll.Programs["count"], coll.Maps["counts"]
	ask := func(cgroup *example.Cgroup, flags uint32) bool {
		attached, err := isAttached(cgroup.FD(), prog, ebpf.AttachCGroupInetEgress, flags)
		example.Check(err, "query")
		return attached
	}

	example.Attach(prog, web)
	app.Send()
	example.ShowBool("attached", ask(web, 0))
	example.ShowBool("runs for child", ask(app, unix.BPF_F_QUERY_EFFECTIVE))
	example.Detach(prog, web)
	app.Send()
	example.ShowBool("after detach", ask(web, 0))

	// since 5.9 the entry is still there: it does not tell
	var packets uint64
	err := counts.Lookup(web.Key(), &packets)
	example.ShowNumber("entry after detach", err, packets)
}
