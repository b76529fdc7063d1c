// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counts 5 bytes for each packet, on each CPU for itself. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} bytes SEC(".maps");

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	__u64 *sent = bpf_get_local_storage(&bytes, 0);

	/* not exact if an interrupt adds to it: see __sync_fetch_and_add() */
	*sent += 5;
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
