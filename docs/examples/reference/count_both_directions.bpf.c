// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, __u64);
	__type(value, __u64);
} packets SEC(".maps");

static int count(void)
{
	__u64 *both = bpf_get_local_storage(&packets, 0);

	__sync_fetch_and_add(both, 1);
	return 1;
}

SEC("cgroup_skb/ingress")
int count_ingress(struct __sk_buff *skb)
{
	return count();
}

SEC("cgroup_skb/egress")
int count_egress(struct __sk_buff *skb)
{
	return count();
}

char LICENSE[] SEC("license") = "GPL";
