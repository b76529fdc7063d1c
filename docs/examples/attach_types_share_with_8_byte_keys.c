// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Count both directions with each kind of key: apart with the attach type in
 * the key, together with the cgroup id alone.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* An 8-byte key works since 5.9: the descriptor of a map, or -EINVAL. */
static int create_totals(void)
{
	return bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "totals",
			      sizeof(__u64), sizeof(__u64), 0, NULL);
}

/* With the map @totals, or (negative) without it and its program. */
static struct bpf_object *load(int totals)
{
	const char *file = object_file();
	struct bpf_program *program;
	struct bpf_object *obj;
	struct bpf_map *map;
	int err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	map = bpf_object__find_map_by_name(obj, "totals");
	program = bpf_object__find_program_by_name(obj, "total");
	if (!map || !program)
		error(1, ENOENT, "total or totals in %s", file);
	if (totals >= 0) {
		err = bpf_map__reuse_fd(map, totals);
	} else {
		err = bpf_map__set_autocreate(map, false);
		if (!err)
			err = bpf_program__set_autoload(program, false);
	}
	if (!err)
		err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	return obj;
}

static void attach_to_both(int cgroup, struct bpf_object *obj,
			   const char *name)
{
	int prog, err;

	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, name));
	err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_INGRESS,
			      BPF_F_ALLOW_MULTI);
	if (!err)
		err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS,
				      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach %s", name);
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
	int web = make_cgroup(-1, "web");
	const __u64 id = cgroup_id(web);
	const struct bpf_cgroup_storage_key ingress = {
		.cgroup_inode_id = id,
		.attach_type = BPF_CGROUP_INET_INGRESS,
	};
	const struct bpf_cgroup_storage_key egress = {
		.cgroup_inode_id = id,
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	struct bpf_object *obj;
	int counts, totals;

	totals = create_totals();
	show_result("create with 8-byte key", totals);
	obj = load(totals);
	counts = bpf_object__find_map_fd_by_name(obj, "counts");
	if (counts < 0)
		error(1, -counts, "counts");
	attach_to_both(web, obj, "count");
	if (totals >= 0)
		attach_to_both(web, obj, "total");

	receive_packet(web);
	show_value("16 bytes, ingress", counts, &ingress);
	show_value("16 bytes, egress", counts, &egress);
	if (totals >= 0)
		show_value("8 bytes", totals, &id);

	send_packet(web);
	show_value("16 bytes, egress, later", counts, &egress);
	if (totals >= 0) {
		show_value("8 bytes, later", totals, &id);
		close(totals);
	}

	bpf_object__close(obj);
	return 0;
}
