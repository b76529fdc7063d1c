// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A program that wants the map for its keys: which cgroups have it. The
 * value has one byte, the least that every kernel takes, and is not used.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u8);
} members SEC(".maps");

SEC("cgroup_skb/egress")
int mark(struct __sk_buff *skb)
{
	/* the attach makes the entry, because the program names the map */
	bpf_get_local_storage(&members, 0);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
