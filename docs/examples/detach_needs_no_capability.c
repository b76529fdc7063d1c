// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Attach, detach and query without capabilities, with descriptors from one
 * who has them. kernel.unprivileged_bpf_disabled has to be 0: otherwise older
 * kernels refuse every bpf(2) call.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* A hook has at most 64 programs of one cgroup. */
#define MOST_PROGRAMS 64

static int web, count, guard;

static int attach(int prog, enum bpf_attach_type type)
{
	return bpf_prog_attach(prog, web, type, BPF_F_ALLOW_MULTI);
}

/* [begin shown] */
static void try_to_attach(void)
{
	int err;

	err = attach(count, BPF_CGROUP_INET_EGRESS);
	show_result("attach cgroup_skb", err);
	err = attach(guard, BPF_CGROUP_INET4_CONNECT);
	show_result("attach sock_addr", err);
}

static void try_to_detach(void)
{
	__u32 ids[MOST_PROGRAMS], programs = MOST_PROGRAMS;
	int err;

	err = bpf_prog_detach2(count, web, BPF_CGROUP_INET_EGRESS);
	show_result("detach", err);
	err = bpf_prog_query(web, BPF_CGROUP_INET_EGRESS, 0, NULL, ids,
			     &programs);
	show_result("query", err);
}
/* [end shown] */

int main(void)
{
	const char *file = object_file();
	struct bpf_object *obj;
	int err;

	web = make_cgroup(-1, "web");
	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	count = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	guard = bpf_program__fd(bpf_object__find_program_by_name(obj, "guard"));
	if (count < 0 || guard < 0)
		error(1, ENOENT, "count or guard in %s", file);

	without_capabilities(try_to_attach);
	err = attach(count, BPF_CGROUP_INET_EGRESS);
	if (err)
		error(1, -err, "attach");
	send_packet(web);
	without_capabilities(try_to_detach);

	bpf_object__close(obj);
	return 0;
}
