#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Replace the program of a hook, with its map.
bpftool prog loadall counter.bpf.o /sys/fs/bpf/progs pinmaps /sys/fs/bpf
bpftool cgroup attach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/progs/count
packet /sys/fs/cgroup/web 2
# [begin shown]
# A new version with the map of the old one. Without the map it gets a new one.
bpftool prog load counter.bpf.o /sys/fs/bpf/version2 map name counts pinned /sys/fs/bpf/counts
# Without a flag the new program replaces the old one.
bpftool cgroup attach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/version2
bpftool cgroup show /sys/fs/cgroup/web
# [end shown]
packet /sys/fs/cgroup/web 2
# [begin shown]
bpftool map dump pinned /sys/fs/bpf/counts
# [end shown]
