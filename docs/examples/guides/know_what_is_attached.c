// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Find out whether a program is attached. */
/* [begin shown] */
#include <bpf/bpf.h>

#define MOST_PROGRAMS 1024

/*
 * Return 1 if the program is attached to the cgroup, else 0. @flags is 0, or
 * BPF_F_QUERY_EFFECTIVE to include the programs of the cgroup's ancestors.
 */
int is_attached(int cgroup, int prog, enum bpf_attach_type type, __u32 flags)
{
	__u32 ids[MOST_PROGRAMS], i, count = MOST_PROGRAMS;
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int err;

	err = bpf_obj_get_info_by_fd(prog, &info, &size);
	if (!err)
		err = bpf_prog_query(cgroup, type, flags, NULL, ids, &count);
	if (err)
		return err;
	for (i = 0; i < count; i++)
		if (ids[i] == info.id)
			return 1;
	return 0;
}
/* [end shown] */
