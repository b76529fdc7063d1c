// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts packets, and denies them while user space says so. Each number has
 * one kind of writer: the counter programs, the setting user space.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct limits {
	struct bpf_spin_lock lock;
	__u64 closed;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} counts SEC(".maps");

/* BTF tells the kernel where the lock is */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, struct limits);
} limits SEC(".maps");

SEC("cgroup_skb/egress")
int gate(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&counts, 0);
	struct limits *limit = bpf_get_local_storage(&limits, 0);

	/* not exact if an interrupt adds to it: see __sync_fetch_and_add() */
	*packets += 1;
	return limit->closed == 0;
}

char LICENSE[] SEC("license") = "GPL";
