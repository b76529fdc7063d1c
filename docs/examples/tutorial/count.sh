#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Load and attach the program of the tutorial, and look inside.
cp counter.bpf.o count.bpf.o
# [begin shown]
bpftool prog loadall count.bpf.o /sys/fs/bpf/count pinmaps /sys/fs/bpf
bpftool cgroup attach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/count/count multi
bpftool cgroup show /sys/fs/cgroup/web
# [end shown]
packet /sys/fs/cgroup/web 3
# [begin shown]
# Three packets later:
bpftool map dump pinned /sys/fs/bpf/counts
bpftool cgroup detach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/count/count
# [end shown]
