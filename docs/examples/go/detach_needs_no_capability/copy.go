// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix attaches a program by a link.
package fix

// [begin shown]

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// attachByLink attaches a program by a link, which BPF_PROG_DETACH leaves
// alone.
func attachByLink(
	prog *ebpf.Program, cgroup string, attach ebpf.AttachType, pin string,
) error {
	attached, err := link.AttachCgroup(link.CgroupOptions{
		Path: cgroup, Attach: attach, Program: prog,
	})
	if err != nil {
		return fmt.Errorf("attach to %s: %w", cgroup, err)
	}
	defer attached.Close() // the pin keeps it attached
	if err := attached.Pin(pin); err != nil {
		return fmt.Errorf("pin %s: %w", pin, err)
	}
	return nil
}

// [end shown]
