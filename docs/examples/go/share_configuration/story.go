// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

package guide

import (
	"example.org/cgroupstorage/internal/example"
	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

const (
	level  = 0xc0de
	closed = 1
)

// Story lets a setsockopt() program close a gate that a connect() program looks at.
func Story() {
	web := example.NewCgroup(nil, "web")
	spec := example.Spec()
	example.ShowResult("8-byte key", example.Probe(ebpf.CGroupStorage, 8))
	shared, err := chooseMaps(spec.Maps["wanted"], spec.Maps["config"])
	example.Check(err, "maps")
	var opts ebpf.CollectionOptions
	if shared != nil {
		defer shared.Close()
		opts.MapReplacements = map[string]*ebpf.Map{"wanted": shared, "config": shared}
	}
	// setsockopt() programs are there since 5.3
	coll, err := ebpf.NewCollectionWithOptions(spec, opts)
	example.ShowResult("writer", err)
	if err != nil {
		return
	}
	defer coll.Close()
	wanted, config := coll.Maps["wanted"], coll.Maps["config"]
	example.AttachTo(coll.Programs["writer"], web, ebpf.AttachCGroupSetsockopt)
	example.AttachTo(coll.Programs["reader"], web, ebpf.AttachCGroupInet4Connect)
	example.ShowVerdict("connect before", connect(web))

	sock := web.Socket()
	example.Check(unix.SetsockoptInt(sock, level, closed, 1), "setsockopt")
	example.CloseSocket(sock)
	var value uint64
	if shared != nil {
		err = wanted.Lookup(web.ID(), &value)
	} else {
		err = wanted.Lookup(web.KeyOf(ebpf.AttachCGroupSetsockopt), &value)
		example.Check(copyValue(wanted, config, web.ID()), "copy")
	}
	example.ShowNumber("written", err, value)
	example.ShowVerdict("connect after", connect(web))
}

func connect(cgroup *example.Cgroup) error {
	sock := cgroup.Socket()
	defer example.CloseSocket(sock)
	return unix.Connect(sock, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}})
}
