#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Start a measurement with a new map.
bpftool prog loadall counter.bpf.o /sys/fs/bpf/progs pinmaps /sys/fs/bpf
bpftool cgroup attach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/progs/count
packet /sys/fs/cgroup/web 2
# [begin shown]
bpftool prog loadall counter.bpf.o /sys/fs/bpf/progs2 pinmaps /sys/fs/bpf/maps2
# Without a flag the new program replaces the old one.
bpftool cgroup attach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/progs2/count
# [end shown]
packet /sys/fs/cgroup/web 1
# [begin shown]
bpftool map dump pinned /sys/fs/bpf/maps2/counts
# [end shown]
