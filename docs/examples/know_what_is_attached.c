// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Know what is attached: ask the hook for the ids of its programs. An entry
 * in the map is no answer.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* A hook has at most 64 programs of one cgroup; more can be effective. */
#define MOST_PROGRAMS 1024

static __u32 program_id(int prog)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int err;

	err = bpf_obj_get_info_by_fd(prog, &info, &size);
	if (err)
		error(1, -err, "program info");
	return info.id;
}

/*
 * Whether the program is attached to the cgroup; with BPF_F_QUERY_EFFECTIVE
 * whether it runs for it, be it attached to an ancestor.
 */
static int is_attached(int cgroup, int prog, __u32 flags)
{
	__u32 ids[MOST_PROGRAMS], id = program_id(prog);
	__u32 i, count = MOST_PROGRAMS;
	int err;

	err = bpf_prog_query(cgroup, BPF_CGROUP_INET_EGRESS, flags, NULL, ids,
			     &count);
	if (err)
		error(1, -err, "query");
	for (i = 0; i < count; i++)
		if (ids[i] == id)
			return 1;
	return 0;
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	int app = make_cgroup(web, "app");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	struct bpf_object *obj;
	int prog, counts, err;
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

	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
	send_packet(app);
	show_number("attached", 0, is_attached(web, prog, 0));
	show_number("runs for child", 0,
		    is_attached(app, prog, BPF_F_QUERY_EFFECTIVE));

	err = bpf_prog_detach2(prog, web, BPF_CGROUP_INET_EGRESS);
	if (err)
		error(1, -err, "detach");
	send_packet(app);
	show_number("after detach", 0, is_attached(web, prog, 0));

	/* since 5.9 it remains, so it proves nothing */
	err = bpf_map_lookup_elem(counts, &key, &packets);
	show_number("entry after detach", err, packets);

	bpf_object__close(obj);
	return 0;
}
