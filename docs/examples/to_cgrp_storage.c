// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Move to BPF_MAP_TYPE_CGRP_STORAGE: carry the value over, and from then on
 * make and delete the entry by hand. The key is a descriptor of the cgroup.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

static int attach(int cgroup, struct bpf_object *obj, const char *name)
{
	int prog, err;

	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, name));
	err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_SOCK_CREATE,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach %s", name);
	return prog;
}

static void make_sockets(int cgroup, int number)
{
	while (number--)
		close(make_socket(cgroup));
}

static void show_entry(const char *label, int map, int cgroup)
{
	__u64 sockets = 0;
	int err;

	err = bpf_map_lookup_elem(map, &cgroup, &sockets);
	show_number(label, err, sockets);
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	int app = make_cgroup(web, "app");
	struct bpf_cgroup_storage_key old_key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_SOCK_CREATE,
	};
	int counts, cgrp_counts, prog, next, err;
	struct bpf_object *obj;
	__u64 sockets;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	/* before 6.2 the map type is unknown: EINVAL */
	err = bpf_object__load(obj);
	show_result("create", err);
	if (err) {
		bpf_object__close(obj);
		return 0;
	}
	counts = bpf_object__find_map_fd_by_name(obj, "counts");
	cgrp_counts = bpf_object__find_map_fd_by_name(obj, "cgrp_counts");
	if (counts < 0 || cgrp_counts < 0)
		error(1, ENOENT, "counts or cgrp_counts in %s", file);
	show_entry("nothing yet", cgrp_counts, web);

	/* the old program at work */
	prog = attach(web, obj, "count");
	make_sockets(web, 7);

	/* carry over; EEXIST would say that the new program was there first */
	err = bpf_map_lookup_elem(counts, &old_key, &sockets);
	if (err)
		error(1, -err, "lookup");
	err = bpf_map_update_elem(cgrp_counts, &web, &sockets, BPF_NOEXIST);
	show_result("carry over", err);
	err = bpf_prog_detach2(prog, web, BPF_CGROUP_INET_SOCK_CREATE);
	if (err)
		error(1, -err, "detach");

	show_entry("measured", cgrp_counts, web);
	show_entry("child", cgrp_counts, app);
	err = bpf_map_get_next_key(cgrp_counts, &web, &next);
	show_result("next key", err);

	/* what detaching and attaching used to do */
	err = bpf_map_delete_elem(cgrp_counts, &web);
	show_result("remove", err);
	show_entry("removed", cgrp_counts, web);
	sockets = 0;
	err = bpf_map_update_elem(cgrp_counts, &web, &sockets, BPF_NOEXIST);
	if (err)
		error(1, -err, "update");
	show_entry("starts again at", cgrp_counts, web);

	/* the new program continues from there */
	attach(web, obj, "cgrp_count");
	make_sockets(web, 1);
	err = bpf_map_lookup_elem(cgrp_counts, &web, &sockets);
	if (err || sockets != 1)
		error(1, -err, "the new program did not count");

	bpf_object__close(obj);
	return 0;
}
