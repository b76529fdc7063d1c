// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Count the sockets that the processes of a cgroup create. */
/* [begin shown] */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define CGRP_STORAGE 32	/* BPF_MAP_TYPE_CGRP_STORAGE, which old headers lack */

struct {
	__uint(type, CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);	/* required */
	__type(key, int);
	__type(value, __u64);
} counts SEC(".maps");

/* The fields of the kernel's types that this program needs. */
struct css_set {
	struct cgroup *dfl_cgrp;
} __attribute__((preserve_access_index));

struct task_struct {
	struct css_set *cgroups;
} __attribute__((preserve_access_index));

SEC("cgroup/sock_create")
int count(struct bpf_sock *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 *sockets;

	/* the cgroup of the process, which may be a descendant */
	sockets = bpf_cgrp_storage_get(&counts, task->cgroups->dfl_cgrp, 0,
				       BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (sockets)
		__sync_fetch_and_add(sockets, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
/* [end shown] */
