// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Deny packets while the gate is closed. */
/* [begin shown] */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct limits {
	struct bpf_spin_lock lock;	/* found by its BTF type */
	__u64 closed;
};

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, struct limits);
} limits SEC(".maps");

SEC("cgroup_skb/egress")
int gate(struct __sk_buff *skb)
{
	struct limits *limit = bpf_get_local_storage(&limits, 0);

	return limit->closed == 0;
}

char LICENSE[] SEC("license") = "GPL";
/* [end shown] */
