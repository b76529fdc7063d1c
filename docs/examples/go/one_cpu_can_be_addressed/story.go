// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"unsafe"

	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// The number of the CPU stands in the upper half of the flags.
const (
	oneCPU  = 8  // BPF_F_CPU, since 7.0
	allCPUs = 16 // BPF_F_ALL_CPUS, since 7.0
)

// Story reads and writes the value of one CPU by a flag, and those of all CPUs.
func Story() {
	web := example.NewCgroup(nil, "web")
	err := example.Probe(ebpf.PerCPUCGroupStorage, 16)
	example.ShowResult("create", err)
	if err != nil { // before 4.20
		return
	}
	coll := example.Load()
	defer coll.Close()
	counts := coll.Maps["counts"]
	k := key{CgroupID: web.ID(), AttachType: ebpf.AttachCGroupInetEgress}
	example.Attach(coll.Programs["count"], web)
	example.RunOnCPU(1)
	web.Send()
	var values []uint64
	err = counts.Lookup(k, &values)
	example.ShowList("every CPU", err, values[:2])
	one, err := readCPU(counts, k, 1)
	example.Check(err, "read CPU 1")
	example.Require(one == 1, "CPU 1 did not count")

	value, err := element(counts, unix.BPF_MAP_LOOKUP_ELEM, k, 0, oneCPU|1<<32)
	example.ShowNumber("read CPU 1", err, value)
	_, err = element(counts, unix.BPF_MAP_UPDATE_ELEM, k, 7, oneCPU|0<<32)
	example.ShowResult("write CPU 0", err)
	err = counts.Lookup(k, &values)
	example.ShowList("then every CPU", err, values[:2])
	_, err = element(counts, unix.BPF_MAP_UPDATE_ELEM, k, 5, allCPUs)
	example.ShowResult("write all CPUs", err)
	err = counts.Lookup(k, &values)
	example.ShowList("in the end", err, values[:2])
}

// element passes one value: package ebpf passes one for each CPU to every per-CPU map. A kernel
// that does not know the flag says so before it looks at the value.
func element(counts *ebpf.Map, command int, k key, value, flags uint64) (uint64, error) {
	room := make([]uint64, 64)
	room[0] = value
	attr := struct {
		fd, _      uint32
		key, value unsafe.Pointer
		flags      uint64
	}{
		fd:    uint32(counts.FD()),
		key:   unsafe.Pointer(&k),
		value: unsafe.Pointer(&room[0]),
		flags: flags,
	}
	err := example.Syscall(command, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	return room[0], err
}
