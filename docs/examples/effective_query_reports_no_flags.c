// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Ask a cgroup for its own programs and for all that run in it: the second
 * query reports no attach flags since 6.1.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* A hook has at most 64 programs of one cgroup; more can be effective. */
#define MOST_PROGRAMS 1024

/* How many programs there are; @attach_flags are those of the cgroup. */
static __u32 query(int cgroup, __u32 flags, __u32 *attach_flags)
{
	__u32 ids[MOST_PROGRAMS], count = MOST_PROGRAMS;
	int err;

	err = bpf_prog_query(cgroup, BPF_CGROUP_INET_EGRESS, flags,
			     attach_flags, ids, &count);
	if (err)
		error(1, -err, "query");
	return count;
}

int main(void)
{
	const char *file = object_file();
	int shop = make_cgroup(-1, "shop");
	int web = make_cgroup(shop, "web");
	struct bpf_object *obj;
	__u32 count, flags;
	int prog, err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	if (prog < 0)
		error(1, ENOENT, "count in %s", file);

	err = bpf_prog_attach(prog, shop, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (!err)
		err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
				      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
	send_packet(web);

	/* 2 is BPF_F_ALLOW_MULTI */
	count = query(web, 0, &flags);
	show_number("attached here", 0, count);
	show_number("flags", 0, flags);
	count = query(web, BPF_F_QUERY_EFFECTIVE, &flags);
	show_number("running here", 0, count);
	show_number("flags of effective query", 0, flags);

	bpf_object__close(obj);
	return 0;
}
