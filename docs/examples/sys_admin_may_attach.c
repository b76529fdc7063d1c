// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Attach and query with CAP_SYS_ADMIN and without CAP_NET_ADMIN, which works
 * since 6.9.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <error.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* A hook has at most 64 programs of one cgroup. */
#define MOST_PROGRAMS 64

static void give_up_net_admin(void)
{
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	if (syscall(SYS_capget, &header, sets))
		error(1, errno, "capget");
	sets[0].effective &= ~(1U << CAP_NET_ADMIN);
	if (syscall(SYS_capset, &header, sets))
		error(1, errno, "capset");
}

/* [begin shown] */
int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web"), db = make_cgroup(-1, "db");
	__u32 ids[MOST_PROGRAMS], programs = MOST_PROGRAMS;
	struct bpf_object *obj;
	int prog, link, err;

	give_up_net_admin();
	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	show_result("load", err);
	if (err)
		error(1, -err, "load %s", file);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));

	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	show_result("attach", err);
	link = bpf_link_create(prog, db, BPF_CGROUP_INET_EGRESS, NULL);
	show_result("link", link < 0 ? link : 0);
	err = bpf_prog_query(web, BPF_CGROUP_INET_EGRESS, 0, NULL, ids,
			     &programs);
	show_number("programs", err, programs);

	if (link >= 0)
		close(link);
	bpf_object__close(obj);
	return 0;
}
/* [end shown] */
