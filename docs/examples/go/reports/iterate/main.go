// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// The program attaches to each cgroup that its arguments name, which creates an entry for each,
// and counts the entries.
package main

// [begin shown]

import (
	"fmt"
	"log"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

func main() {
	m, err := ebpf.NewMap(&ebpf.MapSpec{
		Type: ebpf.CGroupStorage, KeySize: 16, ValueSize: 8,
	})
	check(err)
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:    ebpf.CGroupSKB,
		License: "GPL",
		Instructions: asm.Instructions{
			asm.LoadMapPtr(asm.R1, m.FD()),
			asm.Mov.Imm(asm.R2, 0),
			asm.FnGetLocalStorage.Call(),
			asm.Mov.Imm(asm.R0, 1),
			asm.Return(),
		},
	})
	check(err)
	for _, path := range os.Args[1:] {
		attached, err := link.AttachCgroup(link.CgroupOptions{
			Path: path, Attach: ebpf.AttachCGroupInetEgress, Program: prog,
		})
		check(err)
		defer attached.Close()
	}

	var key [16]byte
	var value uint64
	found, entries := 0, m.Iterate()
	for entries.Next(&key, &value) {
		found++
	}
	fmt.Printf("Iterate: %d of %d, %v\n", found, len(os.Args)-1, entries.Err())

	found = 0
	for err = m.NextKey(nil, &key); err == nil; err = m.NextKey(key, &key) {
		if m.Lookup(key, &value) == nil {
			found++
		}
	}
	fmt.Printf("NextKey: %d of %d, %v\n", found, len(os.Args)-1, err)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// [end shown]
