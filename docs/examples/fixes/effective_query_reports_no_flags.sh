#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Show the attach flags of a cgroup's own programs.
bpftool prog loadall counter.bpf.o /sys/fs/bpf/progs pinmaps /sys/fs/bpf
bpftool cgroup attach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/progs/count multi
# [begin shown]
bpftool cgroup show /sys/fs/cgroup/web
# The column AttachFlags is empty here since Linux 6.1.
bpftool cgroup show /sys/fs/cgroup/web effective
# [end shown]
