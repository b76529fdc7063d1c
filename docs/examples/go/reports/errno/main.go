// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// The program attaches to the cgroup that its argument names, without the privilege for it.
package main

// [begin shown]

import (
	"errors"
	"fmt"
	"log"
	"os"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

func main() {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:         ebpf.CGroupSKB,
		License:      "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()},
	})
	check(err)
	cgroup, err := os.Open(os.Args[1])
	check(err)
	check(syscall.Setuid(65534)) // without capabilities BPF_PROG_ATTACH fails with EPERM

	err = link.RawAttachProgram(link.RawAttachProgramOptions{
		Target: int(cgroup.Fd()), Program: prog, Attach: ebpf.AttachCGroupInetEgress,
	})
	fmt.Println("EPERM:", errors.Is(err, syscall.EPERM))
	fmt.Println("not supported:", errors.Is(err, ebpf.ErrNotSupported))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// [end shown]
