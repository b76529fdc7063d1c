// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counts the processes that enter each cgroup, without being attached to it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define CGRP_STORAGE 32	/* BPF_MAP_TYPE_CGRP_STORAGE, since 6.2 */

struct {
	__uint(type, CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} entered SEC(".maps");

struct cgroup;

/* The cgroup is an argument; its entry is created on demand. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(count, struct cgroup *cgrp)
{
	__u64 *processes;

	processes = bpf_cgrp_storage_get(&entered, cgrp, 0,
					 BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (processes)
		__sync_fetch_and_add(processes, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
