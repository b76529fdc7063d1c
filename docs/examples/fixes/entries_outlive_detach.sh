#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Ask the hook, not the map, whether a program is attached.
bpftool prog loadall counter.bpf.o /sys/fs/bpf/progs pinmaps /sys/fs/bpf
bpftool cgroup attach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/progs/count multi
packet /sys/fs/cgroup/web 2
# [begin shown]
bpftool cgroup detach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/progs/count
bpftool cgroup show /sys/fs/cgroup/web
# The entry is still there:
bpftool map dump pinned /sys/fs/bpf/counts
# [end shown]
