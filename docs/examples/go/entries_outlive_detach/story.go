// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
)

// Story detaches a program and looks for its entry in every way.
func Story() {
	web := example.NewCgroup(nil, "web")
	coll := example.Load()
	defer coll.Close()
	prog, counts := coll.Programs["count"], coll.Maps["counts"]
	key := web.Key()
	example.Attach(prog, web)
	web.Send()
	example.Detach(prog, web)
	programs, err := countPrograms(web.FD(), ebpf.AttachCGroupInetEgress)
	example.ShowNumber("attached programs", err, uint64(programs))

	// before 5.9 all of these fail with ENOENT
	var packets uint64
	err = counts.Lookup(key, &packets)
	example.ShowNumber("after detach", err, packets)
	var first example.Key
	label := "first key is that of web"
	if err = counts.NextKey(nil, &first); err != nil {
		example.ShowResult(label, err)
	} else {
		example.ShowBool("first key is that of web", first.CgroupID == key.CgroupID)
	}
	example.ShowResult("write", counts.Update(key, uint64(7), ebpf.UpdateExist))
	err = counts.Lookup(key, &packets)
	example.ShowNumber("after writing", err, packets)
	web.Remove()
	example.WaitUntilGone(counts, key)
	err = counts.Lookup(key, &packets)
	example.ShowNumber("after rmdir", err, packets)
}
