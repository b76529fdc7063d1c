// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A value that kernels before 5.15 accept. */
/* [begin shown] */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct value {
	__u64 packets[512];
};

_Static_assert(sizeof(struct value) <= 4096, "larger values need Linux 5.15");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, struct value);
} values SEC(".maps");
/* [end shown] */
