// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Count packets in the first 8 bytes of values that have the largest size
 * which works everywhere. The maps are declared by sizes, without types, so
 * that user space can try other sizes.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define LARGEST_EVERYWHERE 4096

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__uint(key_size, sizeof(struct bpf_cgroup_storage_key));
	__uint(value_size, LARGEST_EVERYWHERE);
} shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__uint(key_size, sizeof(struct bpf_cgroup_storage_key));
	__uint(value_size, LARGEST_EVERYWHERE);
} per_cpu SEC(".maps");

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&shared, 0);

	__sync_fetch_and_add(packets, 1);
	return 1;
}

SEC("cgroup_skb/egress")
int count_here(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&per_cpu, 0);

	/* not exact if an interrupt adds to it: see __sync_fetch_and_add() */
	*packets += 1;
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
