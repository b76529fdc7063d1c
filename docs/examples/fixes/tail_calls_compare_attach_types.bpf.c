// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program and the one that it calls, in one section. */
/* [begin shown] */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

SEC("cgroup_skb/egress")
int entry(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &next, 0);
	return 1;
}

SEC("cgroup_skb/egress") /* the same as above, not cgroup/skb */
int callee(struct __sk_buff *skb)
{
	return skb->len <= 1500;
}
/* [end shown] */
