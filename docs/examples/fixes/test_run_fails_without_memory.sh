#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Test a cgroup_skb program.
bpftool prog loadall counter.bpf.o /sys/fs/bpf/progs pinmaps /sys/fs/bpf
head -c 64 /dev/zero > packet.bin
# [begin shown]
ulimit -l unlimited  # before Linux 5.11
bpftool prog run pinned /sys/fs/bpf/progs/count data_in packet.bin repeat 1
# [end shown]
