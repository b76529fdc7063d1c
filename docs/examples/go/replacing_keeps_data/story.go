// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"unsafe"

	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Story replaces a program by itself in each of the three modes.
func Story() {
	web, db := example.NewCgroup(nil, "web"), example.NewCgroup(nil, "db")
	mail := example.NewCgroup(nil, "mail")
	coll := example.Load()
	defer coll.Close()
	prog, counts := coll.Programs["count"], coll.Maps["counts"]
	var packets uint64
	attach(web, prog, 0)
	web.Send()
	attach(web, prog, 0)
	err := counts.Lookup(web.Key(), &packets)
	example.ShowNumber("flags 0", err, packets)

	attach(db, prog, unix.BPF_F_ALLOW_OVERRIDE)
	db.Send()
	attach(db, prog, unix.BPF_F_ALLOW_OVERRIDE)
	err = counts.Lookup(db.Key(), &packets)
	example.ShowNumber("override", err, packets)

	attach(mail, prog, unix.BPF_F_ALLOW_MULTI)
	mail.Send()
	example.ShowResult("replace", replace(mail, prog))
	err = counts.Lookup(mail.Key(), &packets)
	example.ShowNumber("after replace", err, packets)

	k := key{CgroupID: web.ID(), AttachType: ebpf.AttachCGroupInetEgress}
	example.Check(attachOverAndReset(prog, web.FD(), counts, k), "attach over it")
	example.Check(counts.Lookup(web.Key(), &packets), "look up")
	example.Require(packets == 0, "the value was not reset")
}

func attach(cgroup *example.Cgroup, prog *ebpf.Program, flags uint32) {
	err := link.RawAttachProgram(link.RawAttachProgramOptions{
		Target: cgroup.FD(), Program: prog, Attach: ebpf.AttachCGroupInetEgress, Flags: flags,
	})
	example.Check(err, "attach")
}

// replace takes the place of a program, here of itself (since 5.6).
func replace(cgroup *example.Cgroup, prog *ebpf.Program) error {
	attr := struct{ target, prog, attachType, flags, replace uint32 }{
		target:     uint32(cgroup.FD()),
		prog:       uint32(prog.FD()),
		attachType: uint32(ebpf.AttachCGroupInetEgress),
		flags:      unix.BPF_F_ALLOW_MULTI | unix.BPF_F_REPLACE,
		replace:    uint32(prog.FD()),
	}
	return example.Syscall(unix.BPF_PROG_ATTACH, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
}
