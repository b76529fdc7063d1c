// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A storage for each attach type: the 16-byte key. */
/* [begin shown] */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} counts SEC(".maps");
/* [end shown] */
