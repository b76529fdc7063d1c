// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Bit 0 allows the operation; bit 1 has another meaning, see below. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} marks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} binds SEC(".maps");

/* Since 5.3: let the packet pass, and tell TCP of congestion. */
SEC("cgroup_skb/egress")
int mark(struct __sk_buff *skb)
{
	__u64 *packets = bpf_get_local_storage(&marks, 0);

	__sync_fetch_and_add(packets, 1);
	return 3;
}

/* Since 5.12: allow the bind, on a port below 1024 without capability. */
SEC("cgroup/bind4")
int allow(struct bpf_sock_addr *ctx)
{
	__u64 *calls = bpf_get_local_storage(&binds, 0);

	__sync_fetch_and_add(calls, 1);
	return 3;
}

char LICENSE[] SEC("license") = "GPL";
