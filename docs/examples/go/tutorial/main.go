// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// [begin shown]

// The program counts the packets of a cgroup and prints the counter every second.
package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// key is struct bpf_cgroup_storage_key of linux/bpf.h.
type key struct {
	CgroupID   uint64
	AttachType ebpf.AttachType
	_          uint32 // padding
}

// cgroupID returns the id that the key contains, on every kernel.
func cgroupID(path string) (uint64, error) {
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, path, 0)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(handle.Bytes()), nil // BigEndian on s390x
}

func run(path string) error {
	if err := rlimit.RemoveMemlock(); err != nil { // before Linux 5.11
		return fmt.Errorf("raise RLIMIT_MEMLOCK: %w", err)
	}
	coll, err := ebpf.LoadCollection("count.bpf.o")
	if err != nil {
		return fmt.Errorf("load count.bpf.o: %w", err)
	}
	defer coll.Close()
	id, err := cgroupID(path)
	if err != nil {
		return fmt.Errorf("id of %s: %w", path, err)
	}

	egress := ebpf.AttachCGroupInetEgress
	attached, err := link.AttachCgroup(link.CgroupOptions{
		Path: path, Attach: egress, Program: coll.Programs["count"],
	})
	if err != nil {
		return fmt.Errorf("attach to %s: %w", path, err)
	}
	defer attached.Close() // detaches the program

	for second := 0; second < 10; second++ {
		time.Sleep(time.Second)
		var packets uint64
		k := key{CgroupID: id, AttachType: egress}
		if err := coll.Maps["counts"].Lookup(k, &packets); err != nil {
			return fmt.Errorf("look up cgroup %d: %w", id, err)
		}
		fmt.Println(packets, "packets")
	}
	return nil
}

func main() {
	path := "/sys/fs/cgroup"
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	if err := run(path); err != nil {
		log.Fatal(err)
	}
}

// [end shown]
