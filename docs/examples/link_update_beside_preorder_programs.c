// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Update a link below a cgroup whose program runs before all others. Kernels
 * from 6.15 to 7.1 put the new program into the place of that one, and
 * crash: run this in a virtual machine only.
 */
#include <errno.h>
#include <error.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

#define RUN_FIRST (1U << 6)	/* BPF_F_PREORDER of linux/bpf.h, since 6.15 */

static int program(struct bpf_object *obj, const char *name)
{
	int prog;

	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, name));
	if (prog < 0)
		error(1, -prog, "no program %s", name);
	return prog;
}

/* Before 5.9 a map belongs to one program: load two only where needed. */
static struct bpf_object *load(bool with_guard)
{
	const char *file = object_file();
	struct bpf_program *prog;
	struct bpf_object *obj;
	int err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	bpf_object__for_each_program(prog, obj) {
		bool is_guard = !strcmp(bpf_program__name(prog), "guard");

		bpf_program__set_autoload(prog, is_guard == with_guard);
	}
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	return obj;
}

/* [begin shown] */
static void update_link(struct bpf_object *obj, int web)
{
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	__u64 value = 0;
	int link, err;

	link = bpf_link_create(program(obj, "old"), web,
			       BPF_CGROUP_INET_EGRESS, NULL);
	if (link < 0)
		error(1, -link, "link");
	send_packet(web);

	/* of the same map: this is the right way to exchange a program */
	err = bpf_link_update(link, program(obj, "new"), NULL);
	if (!err)
		err = try_to_send(web);
	show_result("update, and a packet", err);

	err = bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(obj,
								  "counts"),
				  &key, &value);
	show_number("count", err, value);
	close(link);
}

int main(void)
{
	int site = make_cgroup(-1, "site"), web = make_cgroup(site, "web");
	struct bpf_object *first = load(true), *obj;
	int err;

	err = bpf_prog_attach(program(first, "guard"), site,
			      BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI | RUN_FIRST);
	show_result("attach the guard to run first", err);
	if (!err) {
		obj = load(false);
		update_link(obj, web);
		bpf_object__close(obj);
	}

	bpf_object__close(first);
	return 0;
}
/* [end shown] */
