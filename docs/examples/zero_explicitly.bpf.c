// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts packets, for all CPUs together and on each CPU. Kernels before
 * 4.20 have no per-CPU map; user space loads the other program there.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} per_cpu SEC(".maps");

SEC("cgroup_skb/egress")
int count_both(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&counts, 0);
	__u64 *here = bpf_get_local_storage(&per_cpu, 0);

	__sync_fetch_and_add(packets, 1);
	/* not exact if an interrupt adds to it: see __sync_fetch_and_add() */
	*here += 1;
	return 1;
}

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&counts, 0);

	__sync_fetch_and_add(packets, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
