#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Count ingress and egress in two maps.
packet /sys/fs/cgroup/web 0
# [begin shown]
bpftool prog loadall counter.bpf.o /sys/fs/bpf/progs pinmaps /sys/fs/bpf
bpftool cgroup attach /sys/fs/cgroup/web ingress pinned /sys/fs/bpf/progs/count_in multi
bpftool cgroup attach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/progs/count_out multi
# [end shown]
packet /sys/fs/cgroup/web 2
# [begin shown]
bpftool map dump pinned /sys/fs/bpf/in
bpftool map dump pinned /sys/fs/bpf/out
# [end shown]
