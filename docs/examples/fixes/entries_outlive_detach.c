// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How many programs are attached to a cgroup. */
/* [begin shown] */
#include <bpf/bpf.h>

/* The number of programs on this cgroup itself, or a negative errno. */
int count_programs(int cgroup, enum bpf_attach_type type)
{
	__u32 count = 0;
	int err;

	err = bpf_prog_query(cgroup, type, 0, NULL, NULL, &count);
	return err ? err : (int)count;
}
/* [end shown] */
