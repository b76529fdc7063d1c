// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A map that is created without BTF. */
/* [begin shown] */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__uint(key_size, sizeof(struct bpf_cgroup_storage_key));
	__uint(value_size, sizeof(__u64));
} counts SEC(".maps");
/* [end shown] */
