// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A guard without storage, and two versions of a program that use the same
 * map: v * 3 + n tells which of them has written a value.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} counts SEC(".maps");

SEC("cgroup_skb/egress")
int guard(struct __sk_buff *skb)
{
	return 1;
}

SEC("cgroup_skb/egress")
int old(struct __sk_buff *skb)
{
	__u64 *value = bpf_get_local_storage(&counts, 0);

	*value = *value * 3 + 1;
	return 1;
}

SEC("cgroup_skb/egress")
int new(struct __sk_buff *skb)
{
	__u64 *value = bpf_get_local_storage(&counts, 0);

	*value = *value * 3 + 5;
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
