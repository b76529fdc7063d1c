#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Show what is attached to a cgroup and to its ancestors.
bpftool prog loadall counter.bpf.o /sys/fs/bpf/progs pinmaps /sys/fs/bpf
bpftool cgroup attach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/progs/count multi
mkdir /sys/fs/cgroup/web/app
# [begin shown]
bpftool cgroup show /sys/fs/cgroup/web
# With the programs of the ancestors:
bpftool cgroup show /sys/fs/cgroup/web/app effective
bpftool cgroup tree /sys/fs/cgroup/web
# [end shown]
