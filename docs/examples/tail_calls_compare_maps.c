// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tail-call a program with another storage map, from one with a map and from
 * one without. Many kernels allow it, and the second one then breaks them:
 * run this in a virtual machine only.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

static int program(struct bpf_object *obj, const char *name)
{
	int prog;

	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, name));
	if (prog < 0)
		error(1, -prog, "no program %s", name);
	return prog;
}

static int map_fd(struct bpf_object *obj, const char *name)
{
	int fd;

	fd = bpf_object__find_map_fd_by_name(obj, name);
	if (fd < 0)
		error(1, -fd, "no map %s", name);
	return fd;
}

/* Put a program into a slot of a program array. */
static int insert(int array, __u32 slot, int prog)
{
	return bpf_map_update_elem(array, &slot, &prog, BPF_ANY);
}

static void attach(int cgroup, int prog)
{
	int err;

	err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
}

static void show_value(const char *label, int map, const void *key)
{
	__u64 value = 0;
	int err;

	err = bpf_map_lookup_elem(map, key, &value);
	show_number(label, err, value);
}

/* [begin shown] */
int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web"), db = make_cgroup(-1, "db");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	int entry, plain, callee, jumps, err;
	struct bpf_object *obj;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	entry = program(obj, "entry");
	plain = program(obj, "plain");
	callee = program(obj, "callee");
	jumps = map_fd(obj, "jumps");

	err = insert(jumps, 0, callee);
	show_result("insert another map", err);
	err = insert(jumps, 1, plain);
	show_result("insert no map, jumps on", err);
	attach(web, entry);
	send_packet(web);
	show_value("counts", map_fd(obj, "counts"), &key);
	show_value("others", map_fd(obj, "others"), &key);

	err = insert(map_fd(obj, "more_jumps"), 0, callee);
	show_result("insert behind no map", err);
	attach(db, plain);
	show_verdict("packet", try_to_send(db));

	bpf_object__close(obj);
	return 0;
}
/* [end shown] */
