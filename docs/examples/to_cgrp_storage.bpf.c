// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counts the sockets that are made: before the migration, and after it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define CGRP_STORAGE 32	/* BPF_MAP_TYPE_CGRP_STORAGE, since 6.2 */

/* before: the storage of the attachment, never NULL */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} counts SEC(".maps");

SEC("cgroup/sock_create")
int count(struct bpf_sock *ctx)
{
	__u64 *sockets = bpf_get_local_storage(&counts, 0);

	__sync_fetch_and_add(sockets, 1);
	return 1;
}

/* after: an int as key, types, and a flag that must be there */
struct {
	__uint(type, CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} cgrp_counts SEC(".maps");

/* of the kernel's types only what is used here */
struct css_set {
	struct cgroup *dfl_cgrp;
} __attribute__((preserve_access_index));

struct task_struct {
	struct css_set *cgroups;
} __attribute__((preserve_access_index));

/*
 * The program names the cgroup: that of the process, maybe a descendant of
 * the one to which it is attached. The entry is created on demand.
 */
SEC("cgroup/sock_create")
int cgrp_count(struct bpf_sock *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 *sockets;

	sockets = bpf_cgrp_storage_get(&cgrp_counts, task->cgroups->dfl_cgrp, 0,
				       BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (sockets)
		__sync_fetch_and_add(sockets, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
