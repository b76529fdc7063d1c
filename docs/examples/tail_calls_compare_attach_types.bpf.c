// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * An entry program that counts, and two that deny packets when it calls them:
 * they differ in their sections only.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} jumps SEC(".maps");

SEC("cgroup_skb/egress")
int entry(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&counts, 0);

	__sync_fetch_and_add(packets, 1);
	bpf_tail_call(skb, &jumps, 0);
	return 1;
}

/* for either direction: no expected attach type */
SEC("cgroup/skb")
int either(struct __sk_buff *skb)
{
	return 0;
}

SEC("cgroup_skb/egress")
int out(struct __sk_buff *skb)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
