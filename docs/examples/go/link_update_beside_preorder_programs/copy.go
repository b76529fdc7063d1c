// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Package fix replaces the program of a link.
package fix

// [begin shown]

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// replaceLink replaces the program of a link without BPF_LINK_UPDATE, which
// Link.Update calls.
func replaceLink(
	old link.Link, prog *ebpf.Program, cgroup string, attach ebpf.AttachType,
) (link.Link, error) {
	fresh, err := link.AttachCgroup(link.CgroupOptions{
		Path: cgroup, Attach: attach, Program: prog,
	})
	if err != nil {
		return nil, fmt.Errorf("attach to %s: %w", cgroup, err)
	}
	return fresh, old.Close()
}

// [end shown]
