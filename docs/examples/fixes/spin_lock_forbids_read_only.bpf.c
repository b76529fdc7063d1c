// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Settings that user space writes once, and then freezes. */
/* [begin shown] */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct settings {
	__u64 limit;
	__u64 burst;
};

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, struct settings);
} settings SEC(".maps");
/* [end shown] */
