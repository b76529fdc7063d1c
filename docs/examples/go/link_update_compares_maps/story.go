// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package fix

import (
	"errors"

	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Story updates a link to a program with another storage map, and from one that has none. The
// second breaks many kernels: run this in a virtual machine only.
func Story() {
	web, db := example.NewCgroup(nil, "web"), example.NewCgroup(nil, "db")
	coll := example.Load()
	defer coll.Close()
	attached, err := attach(coll.Programs["count"], web)
	example.ShowResult("link", err)
	if err != nil { // before 5.7
		return
	}
	defer attached.Close()
	web.Send()
	tryFix(coll)
	example.ShowResult("update to another map", attached.Update(coll.Programs["other"]))
	web.Send()
	var value uint64
	err = coll.Maps["counts"].Lookup(web.Key(), &value)
	example.ShowNumber("counts", err, value)
	err = coll.Maps["others"].Lookup(web.Key(), &value)
	example.ShowNumber("others", err, value)

	bare, err := attach(coll.Programs["plain"], db)
	example.Check(err, "link")
	defer bare.Close()
	example.ShowResult("update from no map", bare.Update(coll.Programs["other"]))
	example.ShowVerdict("packet", db.TryToSend())
}

// tryFix updates a link to a program that was loaded with the same map.
func tryFix(coll *ebpf.Collection) {
	mail := example.NewCgroup(nil, "mail")
	attached, err := attach(coll.Programs["count"], mail)
	example.Check(err, "link")
	defer attached.Close()
	second, err := loadWithMap(example.File(), "counts", coll.Maps["counts"])
	if errors.Is(err, unix.EBUSY) { // before 5.9
		return
	}
	example.Check(err, "load with the map")
	defer second.Close()
	example.Check(attached.Update(second.Programs["count"]), "update")
	mail.Send()
	var value uint64
	example.Check(coll.Maps["counts"].Lookup(mail.Key(), &value), "look up")
	example.Require(value == 1, "the new program does not use the map")
}

func attach(prog *ebpf.Program, cgroup *example.Cgroup) (*link.RawLink, error) {
	return link.AttachRawLink(link.RawLinkOptions{
		Target: cgroup.FD(), Program: prog, Attach: ebpf.AttachCGroupInetEgress,
	})
}
