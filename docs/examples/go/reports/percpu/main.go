// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// The program attaches to the cgroup that its argument names, and writes the value of one CPU to
// the entry that this creates.
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
		Type: ebpf.PerCPUCGroupStorage, KeySize: 16, ValueSize: 8,
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
	attached, err := link.AttachCgroup(link.CgroupOptions{
		Path: os.Args[1], Attach: ebpf.AttachCGroupInetEgress, Program: prog,
	})
	check(err)
	defer attached.Close()

	var key [16]byte
	check(m.NextKey(nil, &key))
	var values []uint64
	check(m.Lookup(key, &values))
	for i := range values {
		values[i] = uint64(5 + i)
	}
	check(m.Update(key, values, ebpf.UpdateExist))
	fmt.Println("before:", values[:2])

	err = m.Update(key, []uint64{1}, ebpf.UpdateExist)
	fmt.Println("Update with one value:", err)
	check(m.Lookup(key, &values))
	fmt.Println("after:", values[:2])
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// [end shown]
