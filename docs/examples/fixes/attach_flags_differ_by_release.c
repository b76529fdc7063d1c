// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Replace a program on every release. */
/* [begin shown] */
#include <errno.h>

#include <bpf/bpf.h>

int replace_program(int cgroup, enum bpf_attach_type type, int old, int new)
{
	LIBBPF_OPTS(bpf_prog_attach_opts, opts,
		.flags = BPF_F_ALLOW_MULTI | BPF_F_REPLACE,
		.replace_prog_fd = old,
	);
	int err;

	err = bpf_prog_attach_opts(new, cgroup, type, &opts);
	if (err != -EINVAL)
		return err;
	/* before 5.6: no program runs between these two calls */
	err = bpf_prog_detach2(old, cgroup, type);
	if (err)
		return err;
	return bpf_prog_attach(new, cgroup, type, BPF_F_ALLOW_MULTI);
}
/* [end shown] */
