// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Whether a program is attached to a cgroup already. */
/* [begin shown] */
#include <bpf/bpf.h>

/* 1 if it is attached, by itself or by a link; -ENOSPC for more than 64. */
int is_attached(int cgroup, enum bpf_attach_type type, __u32 prog_id)
{
	__u32 ids[64], count = 64, i;
	int err;

	err = bpf_prog_query(cgroup, type, 0, NULL, ids, &count);
	if (err)
		return err;
	for (i = 0; i < count; i++)
		if (ids[i] == prog_id)
			return 1;
	return 0;
}
/* [end shown] */
