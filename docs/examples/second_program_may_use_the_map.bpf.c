// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs that count in one map, and one that uses two of a type, which no
 * kernel loads. User space gives all of them the same maps.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} counts SEC(".maps"), spare SEC(".maps");

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&counts, 0);

	__sync_fetch_and_add(packets, 1);
	return 1;
}

SEC("cgroup_skb/egress")
int greedy(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&counts, 0);
	__u64 *more = bpf_get_local_storage(&spare, 0);

	__sync_fetch_and_add(packets, 1);
	__sync_fetch_and_add(more, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
