// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package guide

import (
	"errors"

	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
)

// Story iterates over the entries of two cgroups.
func Story() {
	web, db := example.NewCgroup(nil, "web"), example.NewCgroup(nil, "db")
	coll := example.Load()
	defer coll.Close()
	prog, counts := coll.Programs["count"], coll.Maps["counts"]
	example.Attach(prog, web)
	example.Attach(prog, db)
	web.Send()
	web.Send()
	db.Send()

	var values []uint64
	err := forEachEntry(counts, func(_ key, value uint64) { values = append(values, value) })
	example.ShowList("values", err, values)
	example.ShowNumber("keys", nil, uint64(len(values)))
	showEnd(counts)
}

// showEnd asks for one key more. Before 7.1 there is one, which must not be printed.
func showEnd(counts *ebpf.Map) {
	var k key
	var packets uint64
	err := counts.NextKey(nil, &k)
	for i := 0; err == nil && i < 2; i++ {
		err = counts.NextKey(k, &k)
	}
	if err == nil && errors.Is(counts.Lookup(k, &packets), ebpf.ErrKeyNotExist) {
		example.ShowText("after the last", "bogus key")
		return
	}
	example.ShowResult("after the last", err)
}
