// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Put a new version of a program in the place of the old one: with its data
 * by loading it with the same map, without by a map of its own.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* Load the program, with the map @counts or (-1) with a new one. */
static int load_version(int counts, struct bpf_object **loaded)
{
	const char *file = object_file();
	struct bpf_object *obj;
	struct bpf_map *map;
	int err = 0;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	map = bpf_object__find_map_by_name(obj, "counts");
	if (!map)
		error(1, ENOENT, "counts in %s", file);
	if (counts >= 0)
		err = bpf_map__reuse_fd(map, counts);
	if (!err)
		err = bpf_object__load(obj);
	if (err) {
		bpf_object__close(obj);
		return err;
	}
	*loaded = obj;
	return 0;
}

static int map_of(struct bpf_object *obj)
{
	return bpf_object__find_map_fd_by_name(obj, "counts");
}

/* With flags 0 the kernel replaces the attached program without a gap. */
static void attach(int cgroup, struct bpf_object *obj)
{
	int prog, err;

	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS, 0);
	if (err)
		error(1, -err, "attach");
}

static __u64 read_counter(int counts, const void *key)
{
	__u64 packets;
	int err;

	err = bpf_map_lookup_elem(counts, key, &packets);
	if (err)
		error(1, -err, "lookup");
	return packets;
}

/* Before 5.9 a map belongs to one program: copy the value to a new map. */
static struct bpf_object *carry_over(int cgroup, int old, const void *key)
{
	__u64 packets = read_counter(old, key);
	struct bpf_object *obj;
	int err;

	err = load_version(-1, &obj);
	if (err)
		error(1, -err, "load with a new map");
	attach(cgroup, obj);
	err = bpf_map_update_elem(map_of(obj), key, &packets, BPF_EXIST);
	if (err)
		error(1, -err, "update");
	return obj;
}

int main(void)
{
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	struct bpf_object *v1, *v2, *v3;
	int err;

	err = load_version(-1, &v1);
	if (err)
		error(1, -err, "load");
	attach(web, v1);
	send_packet(web);
	send_packet(web);

	/* with its data */
	err = load_version(map_of(v1), &v2);
	show_result("same map", err);
	if (!err)
		attach(web, v2);
	else if (err == -EBUSY)
		v2 = carry_over(web, map_of(v1), &key);
	else
		error(1, -err, "load with the same map");
	bpf_object__close(v1);
	show_number("kept", 0, read_counter(map_of(v2), &key));
	send_packet(web);
	show_number("goes on at", 0, read_counter(map_of(v2), &key));

	/* without */
	err = load_version(-1, &v3);
	if (err)
		error(1, -err, "load with a new map");
	attach(web, v3);
	show_number("fresh", 0, read_counter(map_of(v3), &key));

	bpf_object__close(v2);
	bpf_object__close(v3);
	return 0;
}
