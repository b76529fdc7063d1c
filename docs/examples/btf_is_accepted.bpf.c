// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts the packets that leave the cgroup. User space creates another map
 * with the BTF of with_enum, whose key has a shape that kernels refuse.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct key_with_enum {
	__u64 cgroup_inode_id;
	enum bpf_attach_type attach_type;
};

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct key_with_enum);
	__type(value, __u64);
} with_enum SEC(".maps");

SEC("cgroup_skb/egress")
int count(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&counts, 0);

	__sync_fetch_and_add(packets, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
