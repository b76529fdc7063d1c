// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Test a program where RLIMIT_MEMLOCK leaves nothing for its storage: an
 * invalid return value before 4.20, ENOMEM before 5.11.
 */
#include <errno.h>
#include <error.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

#define SETTLE_US	200000

/* The map and the program have used up a limit of one page. */
static void limit_memory(void)
{
	const struct rlimit limit = {
		.rlim_cur = getpagesize(),
		.rlim_max = getpagesize(),
	};

	/* what libbpf has tried out while loading is freed a little later */
	usleep(SETTLE_US);
	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		error(1, errno, "RLIMIT_MEMLOCK");
}

/* [begin shown] */
static void test(int prog)
{
	char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		    .data_in = packet,
		    .data_size_in = sizeof(packet));
	int err;

	/* the return value says nothing if the command fails */
	err = bpf_prog_test_run_opts(prog, &opts);
	show_number("test run", err, opts.retval);
}
/* [end shown] */

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	struct bpf_object *obj;
	int prog, err;

	/* libbpf would lift the limit */
	err = libbpf_set_memlock_rlim(0);
	if (err)
		error(1, -err, "memlock");
	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	if (prog < 0)
		error(1, -prog, "no program count");
	limit_memory();

	test(prog);
	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	show_result("attach", err);

	bpf_object__close(obj);
	return 0;
}
