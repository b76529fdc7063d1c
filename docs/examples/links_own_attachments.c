// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Attach by links (since 5.7), and detach one by command (since 5.9) and one
 * by closing its descriptor. Older kernels reject the commands with EINVAL.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* A hook has at most 64 programs of one cgroup. */
#define MOST_PROGRAMS 64

static __u32 attached(int cgroup)
{
	__u32 ids[MOST_PROGRAMS], programs = MOST_PROGRAMS;
	int err;

	err = bpf_prog_query(cgroup, BPF_CGROUP_INET_EGRESS, 0, NULL, ids,
			     &programs);
	if (err)
		error(1, -err, "query");
	return programs;
}

/* [begin shown] */
/* The attachment lasts as long as this descriptor, and its copies. */
static int attach(int prog, int cgroup)
{
	return bpf_link_create(prog, cgroup, BPF_CGROUP_INET_EGRESS, NULL);
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web"), db = make_cgroup(-1, "db");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	int prog, counts, link, other, err;
	struct bpf_object *obj;
	__u64 packets = 0;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	counts = bpf_object__find_map_fd_by_name(obj, "counts");
	if (prog < 0 || counts < 0)
		error(1, ENOENT, "count or counts in %s", file);

	link = attach(prog, web);
	show_result("link", link < 0 ? link : 0);
	if (link < 0)
		return 0;
	send_packet(web);
	err = bpf_map_lookup_elem(counts, &key, &packets);
	show_number("packets", err, packets);

	/* who has the program has not the link */
	err = bpf_prog_detach2(prog, web, BPF_CGROUP_INET_EGRESS);
	show_result("detach the program", err);
	err = bpf_link_detach(link);
	show_result("detach the link", err);
	show_number("programs then", 0, attached(web));

	other = attach(prog, db);
	if (other < 0)
		error(1, -other, "link");
	show_number("programs of another cgroup", 0, attached(db));
	close(other);
	show_number("once its link is closed", 0, attached(db));

	close(link);
	bpf_object__close(obj);
	return 0;
}
/* [end shown] */
