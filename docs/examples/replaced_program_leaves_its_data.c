// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Replace a program by one with another map, go back, then replace it by one
 * with the same map.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

static int create_map(const char *name)
{
	int map;

	map = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, name,
			     sizeof(struct bpf_cgroup_storage_key),
			     sizeof(__u64), 0, NULL);
	if (map < 0)
		error(1, -map, "create %s", name);
	return map;
}

static int use_map(struct bpf_object *obj, const char *name, int fd)
{
	return bpf_map__reuse_fd(bpf_object__find_map_by_name(obj, name), fd);
}

/* Load one program of the object with our maps: its descriptor. */
static int load(const char *name, int old, int new)
{
	const char *file = object_file();
	struct bpf_program *program, *wanted;
	struct bpf_object *obj;
	int prog, err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	wanted = bpf_object__find_program_by_name(obj, name);
	if (!wanted)
		error(1, ENOENT, "%s in %s", name, file);
	bpf_object__for_each_program(program, obj)
		bpf_program__set_autoload(program, program == wanted);
	err = use_map(obj, "old_counts", old);
	if (!err)
		err = use_map(obj, "new_counts", new);
	if (err)
		error(1, -err, "maps of %s", file);

	err = bpf_object__load(obj);
	if (err) {
		prog = err;
	} else {
		prog = dup(bpf_program__fd(wanted));
		if (prog < 0)
			error(1, errno, "dup");
	}
	bpf_object__close(obj);
	return prog;
}

/* With flags 0 the kernel replaces the attached program. */
static void attach(int cgroup, int prog)
{
	int err;

	err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS, 0);
	if (err)
		error(1, -err, "attach");
}

static void show_value(const char *label, int map, const void *key)
{
	__u64 packets = 0;
	int err;

	err = bpf_map_lookup_elem(map, key, &packets);
	show_number(label, err, packets);
}

/* [begin shown] */
int main(void)
{
	int old = create_map("old_counts"), new = create_map("new_counts");
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	int first, second, third;

	first = load("first", old, new);
	if (first < 0)
		error(1, -first, "load the first");
	second = load("second", old, new);
	if (second < 0)
		error(1, -second, "load the second");

	attach(web, first);
	send_packet(web);
	send_packet(web);
	attach(web, second);
	send_packet(web);
	show_value("old entry", old, &key);
	show_value("new entry", new, &key);

	attach(web, first);
	show_value("after going back", old, &key);

	/* before 5.9 a map belongs to one program: EBUSY */
	third = load("third", old, new);
	show_result("load a successor", third);
	if (third >= 0) {
		attach(web, third);
		send_packet(web);
		show_value("after the successor", old, &key);
	}
	return 0;
}
/* [end shown] */
