// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Test a cgroup_skb program, and check the result. */
/* [begin shown] */
#include <errno.h>

#include <sys/resource.h>

#include <bpf/bpf.h>

/* The verdict of the program, 0 to 3, or a negative errno. */
int test_program(int prog, void *packet, __u32 size)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.data_in = packet,
		.data_size_in = size,
		.repeat = 1,
	);
	int err;

	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		return -errno;
	err = bpf_prog_test_run_opts(prog, &opts);
	if (err)
		return err;
	return opts.retval <= 3 ? (int)opts.retval : -ENOMEM;
}
/* [end shown] */
