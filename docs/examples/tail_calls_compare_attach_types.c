// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tail-call a program of another section, and then one of the caller's own:
 * the first is rejected since 6.18, and by fixed stable kernels.
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

/* Put a program into the only slot of a program array. */
static int insert(int array, int prog)
{
	__u32 slot = 0;

	return bpf_map_update_elem(array, &slot, &prog, BPF_ANY);
}

static void show_counts(const char *label, struct bpf_object *obj, int cgroup)
{
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(cgroup),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	__u64 value = 0;
	int err;

	err = bpf_map_lookup_elem(map_fd(obj, "counts"), &key, &value);
	show_number(label, err, value);
}

/* [begin shown] */
int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	struct bpf_object *obj;
	int jumps, err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	jumps = map_fd(obj, "jumps");
	err = bpf_prog_attach(program(obj, "entry"), web,
			      BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");

	err = insert(jumps, program(obj, "either"));
	show_result("insert cgroup/skb", err);
	show_verdict("first packet", try_to_send(web));

	err = insert(jumps, program(obj, "out"));
	show_result("insert cgroup_skb/egress", err);
	show_verdict("second packet", try_to_send(web));
	show_counts("counts", obj, web);

	bpf_object__close(obj);
	return 0;
}
/* [end shown] */
