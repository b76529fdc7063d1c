// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Story asks a cgroup for its own programs, and for all that run in it.
func Story() {
	shop := example.NewCgroup(nil, "shop")
	web := example.NewCgroup(shop, "web")
	coll := example.Load()
	defer coll.Close()
	prog := coll.Programs["count"]
	example.Attach(prog, shop)
	example.Attach(prog, web)
	web.Send()

	flags, err := queryFlags(web.FD(), ebpf.AttachCGroupInetEgress)
	example.ShowNumber("attached here", nil, uint64(len(example.Programs(web, 0))))
	example.ShowNumber("flags", err, uint64(flags))
	running, flags := example.Query(web, unix.BPF_F_QUERY_EFFECTIVE)
	example.ShowNumber("running here", nil, uint64(len(running)))
	example.ShowNumber("flags of effective query", nil, uint64(flags))
}
