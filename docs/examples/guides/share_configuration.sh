#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Write the value that the connect program reads.
bpftool prog loadall counter.bpf.o /sys/fs/bpf/progs pinmaps /sys/fs/bpf
bpftool cgroup attach /sys/fs/cgroup/web connect4 pinned /sys/fs/bpf/progs/reader multi
# [begin shown]
id=$(stat -c %i /sys/fs/cgroup/web)  # since Linux 5.5
key="$(printf '%016x\n' $id | fold -w 2 | tac | tr '\n' ' ')"  # 8 bytes, since Linux 5.9
bpftool map update pinned /sys/fs/bpf/config key hex $key value hex 1 0 0 0 0 0 0 0 exist
bpftool map lookup pinned /sys/fs/bpf/config key hex $key
# [end shown]
