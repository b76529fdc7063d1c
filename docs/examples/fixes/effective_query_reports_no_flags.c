// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The attach flags of a cgroup's own programs. */
/* [begin shown] */
#include <bpf/bpf.h>

int query_flags(int cgroup, enum bpf_attach_type type, __u32 *flags)
{
	__u32 count = 0;

	return bpf_prog_query(cgroup, type, 0, flags, NULL, &count);
}
/* [end shown] */
