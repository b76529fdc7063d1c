// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Story looks an entry up by the cgroup id and by the inode number.
func Story() {
	web := example.NewCgroup(nil, "web")
	coll := example.Load()
	defer coll.Close()
	prog, counts := coll.Programs["count"], coll.Maps["counts"]
	id, err := cgroupID(web.File())
	example.Check(err, "id")
	var stat unix.Stat_t
	example.Check(unix.Fstat(web.FD(), &stat), "stat")
	example.Attach(prog, web)
	web.Send()
	web.Send()
	packets, err := entryOf(counts, id)
	example.ShowNumber("by id", err, packets)
	packets, err = entryOf(counts, stat.Ino)
	example.ShowNumber("by st_ino", err, packets)
	// the upper half was a generation number before 5.5
	example.ShowBool("lower half is st_ino", id&0xffffffff == stat.Ino)
	example.ShowBool("upper half is in use", id>>32 != 0)
}

func entryOf(counts *ebpf.Map, id uint64) (packets uint64, err error) {
	key := example.Key{CgroupID: id, AttachType: ebpf.AttachCGroupInetEgress}
	err = counts.Lookup(key, &packets)
	return packets, err
}
