#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Attach a program and reset its counter.
bpftool prog loadall counter.bpf.o /sys/fs/bpf/progs pinmaps /sys/fs/bpf
bpftool cgroup attach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/progs/count multi
packet /sys/fs/cgroup/web 2
bpftool cgroup detach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/progs/count
# [begin shown]
bpftool cgroup attach /sys/fs/cgroup/web egress pinned /sys/fs/bpf/progs/count multi
id=$(stat -c %i /sys/fs/cgroup/web)  # since Linux 5.5
key="$(printf '%016x\n' $id | fold -w 2 | tac | tr '\n' ' ') 01 00 00 00 00 00 00 00"
bpftool map update pinned /sys/fs/bpf/counts key hex $key value hex 0 0 0 0 0 0 0 0 exist
bpftool map lookup pinned /sys/fs/bpf/counts key hex $key
# [end shown]
