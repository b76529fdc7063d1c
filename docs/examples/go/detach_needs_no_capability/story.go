// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"errors"
	"os"
	"unsafe"

	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

const pin = "/sys/fs/bpf/example_link"

// Story attaches, detaches and queries without capabilities.
func Story() {
	web := example.NewCgroup(nil, "web")
	coll := example.Load()
	defer coll.Close()
	count, guard := coll.Programs["count"], coll.Programs["guard"]
	// package link tries out what it can do: with capabilities
	_ = example.TryToDetach(count, web)
	example.WithoutCapabilities(func() {
		err := example.TryToAttach(count, web, ebpf.AttachCGroupInetEgress, 0)
		example.ShowResult("attach cgroup_skb", err)
		err = example.TryToAttach(guard, web, ebpf.AttachCGroupInet4Connect, 0)
		example.ShowResult("attach sock_addr", err)
	})
	example.Attach(count, web)
	web.Send()
	example.WithoutCapabilities(func() {
		example.ShowResult("detach", example.TryToDetach(count, web))
		attr := struct {
			target, attachType, queryFlags, attachFlags uint32
			ids                                         uint64
			count, _                                    uint32
		}{target: uint32(web.FD()), attachType: uint32(ebpf.AttachCGroupInetEgress)}
		err := example.Syscall(unix.BPF_PROG_QUERY, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
		example.ShowResult("query", err)
	})
	tryLink(count)
}

func tryLink(count *ebpf.Program) {
	db := example.NewCgroup(nil, "db")
	err := attachByLink(count, db.Path, ebpf.AttachCGroupInetEgress, pin)
	if errors.Is(err, link.ErrNotSupported) { // before 5.7
		return
	}
	example.Check(err, "attach by a link")
	defer os.Remove(pin)
	example.WithoutCapabilities(func() {
		example.Require(example.TryToDetach(count, db) != nil, "the link was detached")
	})
}
