// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts packets under the lock of the value, or without where the kernel
 * has no lock. User space loads one of the two programs.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct counts {
	__u64 packets;
	struct bpf_spin_lock lock;
};

/* BTF tells the kernel where the lock is */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, struct counts);
} counts SEC(".maps");

SEC("cgroup_skb/egress")
int count_locked(struct __sk_buff *skb)
{
	struct counts *value = bpf_get_local_storage(&counts, 0);

	bpf_spin_lock(&value->lock);
	value->packets++;
	bpf_spin_unlock(&value->lock);
	return 1;
}

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	struct counts *value = bpf_get_local_storage(&counts, 0);

	__sync_fetch_and_add(&value->packets, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
