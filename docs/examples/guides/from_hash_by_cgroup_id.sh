#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Attach to each cgroup that is to have an entry.
mkdir /sys/fs/cgroup/web/app
# [begin shown]
bpftool prog loadall counter.bpf.o /sys/fs/bpf/progs pinmaps /sys/fs/bpf
bpftool cgroup attach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/progs/count override
bpftool cgroup attach /sys/fs/cgroup/web/app egress pinned /sys/fs/bpf/progs/count override
# [end shown]
packet /sys/fs/cgroup/web/app 3
packet /sys/fs/cgroup/web 2
# [begin shown]
bpftool map dump pinned /sys/fs/bpf/counts
# [end shown]
