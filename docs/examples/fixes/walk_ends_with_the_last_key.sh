#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Print all entries of a map.
bpftool prog loadall counter.bpf.o /sys/fs/bpf/progs pinmaps /sys/fs/bpf
bpftool cgroup attach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/progs/count multi
packet /sys/fs/cgroup/web 2
# [begin shown]
bpftool map dump pinned /sys/fs/bpf/counts
# [end shown]
