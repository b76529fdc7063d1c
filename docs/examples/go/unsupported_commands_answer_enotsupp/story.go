// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"unsafe"

	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
)

// Story tries commands that these maps do not have.
func Story() {
	web := example.NewCgroup(nil, "web")
	coll := example.Load()
	defer coll.Close()
	counts, reader := coll.Maps["counts"], coll.Maps["reader"]
	var value uint64
	example.ShowResult("lookup and delete", counts.LookupAndDelete(example.Key{}, &value))
	err := reader.LookupAndDelete(example.Key{}, &value)
	example.ShowResult("lookup and delete, read-only", err)
	example.ShowResult("lookup batch", batch(counts, lookupBatch))
	example.ShowResult("delete batch, read-only", batch(reader, deleteBatch))

	example.Attach(coll.Programs["count"], web)
	web.Send()
	web.Send()
	sum, err := sumValues(counts)
	example.Check(err, "sum")
	example.Require(sum == 2, "another sum")
}

const (
	lookupBatch = 24 // BPF_MAP_LOOKUP_BATCH
	deleteBatch = 27 // BPF_MAP_DELETE_BATCH
)

// batch calls bpf(2) itself: package ebpf can refuse the call before the kernel does.
func batch(m *ebpf.Map, command int) error {
	var first, next example.Key
	var value uint64
	attr := struct {
		inBatch, outBatch, keys, values unsafe.Pointer
		count, fd                       uint32
		elemFlags, flags                uint64
	}{
		outBatch: unsafe.Pointer(&next),
		keys:     unsafe.Pointer(&first),
		values:   unsafe.Pointer(&value),
		count:    1,
		fd:       uint32(m.FD()),
	}
	return example.Syscall(command, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
}
