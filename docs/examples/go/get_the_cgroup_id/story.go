// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package guide

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Story reads and writes the entry of a cgroup by its id.
func Story() {
	web := example.NewCgroup(nil, "web")
	id, err := cgroupID(web.Path)
	example.Check(err, "id")
	key := example.Key{CgroupID: id, AttachType: ebpf.AttachCGroupInetEgress}
	coll := example.Load()
	defer coll.Close()
	counts := coll.Maps["counts"]
	example.Attach(coll.Programs["count"], web)
	web.Send()

	// they are the same since 5.5, on 64-bit kernels
	var stat unix.Stat_t
	example.Check(unix.Stat(web.Path, &stat), "stat")
	example.ShowBool("id is st_ino", id == stat.Ino)

	var packets uint64
	err = counts.Lookup(key, &packets)
	example.ShowNumber("count", err, packets)
	err = counts.Update(key, uint64(50), ebpf.UpdateExist)
	example.ShowResult("write", err)
	web.Send()
	err = counts.Lookup(key, &packets)
	example.ShowNumber("goes on at", err, packets)
}
