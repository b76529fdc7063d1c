// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"unsafe"

	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Story makes calls with two faults each.
func Story() {
	short, err := hasShortKeys()
	example.Check(err, "probe")
	example.Require(short == (example.Probe(ebpf.CGroupStorage, 8) == nil), "another answer")
	coll := example.LoadSpec(example.Spec())
	defer coll.Close()
	writer := coll.Maps["writer"]
	// before 5.11 maps count against the limit; those that exist stay
	example.Check(unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{}), "RLIMIT_MEMLOCK")

	example.ShowResult("bad name, no memory", createWithBadName())
	var packets uint64
	err = writer.LookupWithFlags(example.Key{}, &packets, ebpf.MapLookupFlags(unix.BPF_NOEXIST))
	example.ShowResult("bad flags, write-only", err)
}

// createWithBadName calls bpf(2) itself: package ebpf would leave characters out of the name.
func createWithBadName() error {
	attr := struct {
		typ, keySize, valueSize, maxEntries, flags, inner, node uint32
		name                                                    [16]byte
	}{typ: uint32(ebpf.CGroupStorage), keySize: 16, valueSize: 8}
	copy(attr.name[:], "no-name")
	return example.Syscall(unix.BPF_MAP_CREATE, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
}
