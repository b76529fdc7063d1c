// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One program counts packets, one looks into a map that programs can only
 * read, and one would write to it: the verifier refuses that one.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} counts SEC(".maps");

/* written by user space alone */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} blocked SEC(".maps");

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&counts, 0);

	__sync_fetch_and_add(packets, 1);
	return 1;
}

SEC("cgroup_skb/egress")
int guard(struct __sk_buff *skb)
{
	__u64 *is_blocked = bpf_get_local_storage(&blocked, 0);

	return *is_blocked ? 0 : 1;
}

SEC("cgroup_skb/egress")
int meddle(struct __sk_buff *skb)
{
	__u64 *is_blocked = bpf_get_local_storage(&blocked, 0);

	__sync_fetch_and_add(is_blocked, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
