// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"unsafe"

	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

const (
	before   = 1 << 3 // BPF_F_BEFORE, since 6.17
	preorder = 1 << 6 // BPF_F_PREORDER, since 6.15
)

// Story tries the attach flags that came later and shows the order of the programs.
func Story() {
	web := example.NewCgroup(nil, "web")
	coll := example.Load()
	defer coll.Close()
	var progs [4]*ebpf.Program
	for i, name := range []string{"first", "second", "third", "fourth"} {
		progs[i] = coll.Programs[name]
	}
	example.Attach(progs[0], web)
	web.Send()

	egress := ebpf.AttachCGroupInetEgress
	example.ShowResult("replace first", attachInstead(web.FD(), egress, progs[0], progs[1]))
	example.ShowResult("preorder", attachWith(web, progs[2], preorder))
	example.ShowResult("before", attachWith(web, progs[3], before))
	example.ShowList("order", nil, order(web, progs[:]))
	var packets uint64
	err := coll.Maps["counts"].Lookup(web.Key(), &packets)
	example.ShowNumber("entry of first", err, packets)

	db := example.NewCgroup(nil, "db")
	example.Attach(progs[0], db)
	example.Check(replaceProgram(db.FD(), egress, progs[0], progs[1]), "replace")
	now := order(db, progs[:])
	example.Require(len(now) == 1 && now[0] == 2, "the first program was not replaced")
}

// attachWith passes a flag that newer versions of package link do not pass.
func attachWith(cgroup *example.Cgroup, prog *ebpf.Program, flag uint32) error {
	attr := struct{ target, prog, attachType, flags, replace uint32 }{
		target:     uint32(cgroup.FD()),
		prog:       uint32(prog.FD()),
		attachType: uint32(ebpf.AttachCGroupInetEgress),
		flags:      unix.BPF_F_ALLOW_MULTI | flag,
	}
	return example.Syscall(unix.BPF_PROG_ATTACH, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
}

func order(cgroup *example.Cgroup, progs []*ebpf.Program) (numbers []uint64) {
	for _, id := range example.Programs(cgroup, unix.BPF_F_QUERY_EFFECTIVE) {
		for i, prog := range progs {
			if id == example.ProgramID(prog) {
				numbers = append(numbers, uint64(i+1))
			}
		}
	}
	return numbers
}
