// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A process says with setsockopt() that its cgroup is to make no more
 * connections; connect() then fails with EPERM.
 *
 * User space uses one map for both where the kernel accepts 8-byte keys, so
 * they are declared by sizes, without types.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define SOL_EXAMPLE	0xc0de	/* not a level of the kernel's */
#define CLOSED		1

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(__u64));
} wanted SEC(".maps"), config SEC(".maps");

SEC("cgroup/setsockopt")
int writer(struct bpf_sockopt *ctx)
{
	__u32 *option = ctx->optval;
	__u64 *closed;

	if (ctx->level != SOL_EXAMPLE || ctx->optname != CLOSED)
		return 1;
	if ((void *)(option + 1) > ctx->optval_end)
		return 0;
	closed = bpf_get_local_storage(&wanted, 0);
	*closed = *option;
	ctx->optlen = -1;	/* done: the kernel is not to look at it */
	return 1;
}

SEC("cgroup/connect4")
int reader(struct bpf_sock_addr *ctx)
{
	__u64 *closed = bpf_get_local_storage(&config, 0);

	return *closed == 0;
}

char LICENSE[] SEC("license") = "GPL";
