#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Create a pinned map; a second instance cannot.
# [begin shown]
bpftool map create /sys/fs/bpf/mine type cgroup_storage key 16 value 8 entries 0 name counts
bpftool map create /sys/fs/bpf/mine type cgroup_storage key 16 value 8 entries 0 name counts
# [end shown]
