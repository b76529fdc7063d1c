// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Two programs that make tail calls, one with a map and one without, and one
 * to be called: v * 3 + n tells which program has written a value.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} counts SEC(".maps"), others SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 2);
} jumps SEC(".maps"), more_jumps SEC(".maps");

SEC("cgroup_skb/egress")
int callee(struct __sk_buff *skb)
{
	__u64 *value = bpf_get_local_storage(&others, 0);

	*value = *value * 3 + 2;
	return 1;
}

SEC("cgroup_skb/egress")
int entry(struct __sk_buff *skb)
{
	__u64 *value = bpf_get_local_storage(&counts, 0);

	*value = *value * 3 + 1;
	bpf_tail_call(skb, &jumps, 0);
	return 1;
}

SEC("cgroup_skb/egress")
int plain(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &more_jumps, 0);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
