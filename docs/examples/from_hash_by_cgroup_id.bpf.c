// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts the packets that leave the cgroup.
 *
 * The map is declared by sizes, without types: user space may then change
 * the size of the key, for kernels before 5.9.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__uint(key_size, sizeof(__u64));	/* the cgroup id */
	__uint(value_size, sizeof(__u64));
	/* no max_entries: an entry for each attachment */
} counts SEC(".maps");

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	/* no bpf_skb_cgroup_id(), no lookup, and never NULL */
	__u64 *packets = bpf_get_local_storage(&counts, 0);

	__sync_fetch_and_add(packets, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
