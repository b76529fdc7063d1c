// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Detach a program and look for its entry in every way. Since 5.9 it remains
 * until the cgroup is removed.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* A hook has at most 64 programs of one cgroup. */
#define MOST_PROGRAMS 64

static void show_programs(const char *label, int cgroup)
{
	__u32 ids[MOST_PROGRAMS], count = MOST_PROGRAMS;
	int err;

	err = bpf_prog_query(cgroup, BPF_CGROUP_INET_EGRESS, 0, NULL, ids,
			     &count);
	show_number(label, err, count);
}

static void show_value(const char *label, int map, const void *key)
{
	__u64 packets = 0;
	int err;

	err = bpf_map_lookup_elem(map, key, &packets);
	show_number(label, err, packets);
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key first = {}, key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	const __u64 seven = 7;
	struct bpf_object *obj;
	int prog, counts, err;

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
	send_packet(web);
	err = bpf_prog_detach2(prog, web, BPF_CGROUP_INET_EGRESS);
	if (err)
		error(1, -err, "detach");
	show_programs("attached programs", web);

	/* before 5.9 all of these fail with ENOENT */
	show_value("after detach", counts, &key);
	err = bpf_map_get_next_key(counts, NULL, &first);
	show_number("first key is that of web", err,
		    first.cgroup_inode_id == key.cgroup_inode_id);
	err = bpf_map_update_elem(counts, &key, &seven, BPF_EXIST);
	show_result("write", err);
	show_value("after writing", counts, &key);

	remove_cgroup(web);
	wait_until_gone(counts, &key);
	show_value("after rmdir", counts, &key);

	bpf_object__close(obj);
	return 0;
}
