// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Three versions of a program. The second has its own map, the third uses
 * that of the first, and counts each packet as ten.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} old_counts SEC(".maps"), new_counts SEC(".maps");

SEC("cgroup_skb/egress")
int first(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&old_counts, 0);

	__sync_fetch_and_add(packets, 1);
	return 1;
}

SEC("cgroup_skb/egress")
int second(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&new_counts, 0);

	__sync_fetch_and_add(packets, 1);
	return 1;
}

SEC("cgroup_skb/egress")
int third(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&old_counts, 0);

	__sync_fetch_and_add(packets, 10);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
