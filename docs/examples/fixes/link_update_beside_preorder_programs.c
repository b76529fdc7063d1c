// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Replace the program of a link without BPF_LINK_UPDATE. */
/* [begin shown] */
#include <errno.h>

#include <bpf/libbpf.h>

int replace_link(struct bpf_link **link, struct bpf_program *new, int cgroup)
{
	struct bpf_link *fresh = bpf_program__attach_cgroup(new, cgroup);

	if (!fresh)
		return -errno;
	bpf_link__destroy(*link);
	*link = fresh;
	return 0;
}
/* [end shown] */
