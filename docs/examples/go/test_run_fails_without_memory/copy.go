// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix tests a cgroup_skb program.
package fix

// [begin shown]

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// testProgram returns the verdict of a program, 0 to 3, on this packet.
func testProgram(prog *ebpf.Program, packet []byte) (uint32, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return 0, fmt.Errorf("raise RLIMIT_MEMLOCK: %w", err)
	}
	verdict, _, err := prog.Test(packet)
	if err != nil {
		return 0, err
	}
	if verdict > 3 {
		return 0, fmt.Errorf("test run: %w", unix.ENOMEM)
	}
	return verdict, nil
}

// [end shown]
