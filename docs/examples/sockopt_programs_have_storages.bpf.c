// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counts the socket options that a cgroup's sockets are given. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} counts SEC(".maps");

SEC("cgroup/setsockopt")
int count(struct bpf_sockopt *ctx)
{
	__u64 *options = bpf_get_local_storage(&counts, 0);

	__sync_fetch_and_add(options, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
