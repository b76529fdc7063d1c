// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Count ingress and egress in two maps. */
/* [begin shown] */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} in SEC(".maps"), out SEC(".maps");

SEC("cgroup_skb/ingress")
int count_in(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&in, 0);

	__sync_fetch_and_add(packets, 1);
	return 1;
}

SEC("cgroup_skb/egress")
int count_out(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&out, 0);

	__sync_fetch_and_add(packets, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
/* [end shown] */
