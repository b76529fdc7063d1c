// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts packets in one value and bytes in one for each CPU. The second
 * program is for 4.19, which has no per-CPU type.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} packets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} bytes SEC(".maps");

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	__u64 *sent_packets = bpf_get_local_storage(&packets, 0);
	__u64 *sent_bytes = bpf_get_local_storage(&bytes, 0);

	__sync_fetch_and_add(sent_packets, 1);
	/* not exact if an interrupt adds to it: see __sync_fetch_and_add() */
	*sent_bytes += 5;
	return 1;
}

SEC("cgroup_skb/egress")
int count_packets(struct __sk_buff *skb)
{
	__u64 *sent_packets = bpf_get_local_storage(&packets, 0);

	__sync_fetch_and_add(sent_packets, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
