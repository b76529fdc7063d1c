// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Attach by a link, which BPF_PROG_DETACH leaves alone. */
/* [begin shown] */
#include <errno.h>

#include <bpf/libbpf.h>

int attach_by_link(struct bpf_program *prog, int cgroup, const char *pin)
{
	struct bpf_link *link = bpf_program__attach_cgroup(prog, cgroup);

	return link ? bpf_link__pin(link, pin) : -errno;
}
/* [end shown] */
