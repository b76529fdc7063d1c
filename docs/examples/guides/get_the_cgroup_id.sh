#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Look up the entry of a cgroup by its id.
bpftool prog loadall counter.bpf.o /sys/fs/bpf/progs pinmaps /sys/fs/bpf
bpftool cgroup attach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/progs/count multi
packet /sys/fs/cgroup/web 2
# [begin shown]
# The key: the id in 8 bytes, the attach type (1: egress) in 4, and 4 of padding.
id=$(stat -c %i /sys/fs/cgroup/web)  # since Linux 5.5
key="$(printf '%016x\n' $id | fold -w 2 | tac | tr '\n' ' ') 01 00 00 00 00 00 00 00"
bpftool map lookup pinned /sys/fs/bpf/counts key hex $key
# [end shown]
