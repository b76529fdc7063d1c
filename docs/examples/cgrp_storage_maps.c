// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Make and delete an entry where nothing is attached: with the old type that
 * cannot be done, with BPF_MAP_TYPE_CGRP_STORAGE (6.2) it can. And count the
 * processes that enter a cgroup with a program that is attached elsewhere.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

static void try_old_type(int cgroup)
{
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(cgroup),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	__u64 value = 7;
	int map, err;

	map = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "old", sizeof(key),
			     sizeof(value), 0, NULL);
	if (map < 0)
		error(1, -map, "create old");
	err = bpf_map_update_elem(map, &key, &value, BPF_ANY);
	show_result("make an old entry", err);
	err = bpf_map_delete_elem(map, &key);
	show_result("delete an old entry", err);
	close(map);
}

/* [begin shown] */
/* The key is a descriptor of the cgroup. */
static void try_new_type(int map, int cgroup)
{
	__u64 value = 7;
	int err;

	err = bpf_map_update_elem(map, &cgroup, &value, BPF_NOEXIST);
	show_result("make a new entry", err);
	value = 0;
	err = bpf_map_lookup_elem(map, &cgroup, &value);
	show_number("read it", err, value);
	err = bpf_map_delete_elem(map, &cgroup);
	show_result("delete it", err);
	err = bpf_map_lookup_elem(map, &cgroup, &value);
	show_number("read it again", err, value);
}

/* The program makes the entry when the first process comes. */
static void count_processes(struct bpf_object *obj, int map, int cgroup)
{
	struct bpf_program *count;
	struct bpf_link *link;
	__u64 processes = 0;
	int err;

	count = bpf_object__find_program_by_name(obj, "count");
	link = bpf_program__attach(count);
	if (!link)
		error(1, errno, "attach");
	close(make_socket(cgroup));	/* a process enters to make it */
	err = bpf_map_lookup_elem(map, &cgroup, &processes);
	if (err || processes != 1)
		error(1, -err, "%llu processes", processes);
	bpf_link__destroy(link);
}
/* [end shown] */

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	struct bpf_object *obj;
	int map, err;

	try_old_type(web);

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	/* before 6.2 the map type is unknown: EINVAL */
	err = bpf_object__load(obj);
	show_result("create the new map", err);
	if (!err) {
		map = bpf_object__find_map_fd_by_name(obj, "entered");
		if (map < 0)
			error(1, -map, "entered in %s", file);
		try_new_type(map, web);
		count_processes(obj, map, web);
	}
	bpf_object__close(obj);
	return 0;
}
