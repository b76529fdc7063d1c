// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Begin each generation with a fresh map: load the program again, and
 * attach it in the place of the one before.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* Each load makes a new map: it is empty. */
static struct bpf_object *load_generation(void)
{
	const char *file = object_file();
	struct bpf_object *obj;
	int err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	return obj;
}

/* With flags 0 the kernel replaces the attached program in one step. */
static void begin_generation(int cgroup, struct bpf_object *obj)
{
	int prog, err;

	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS, 0);
	if (err)
		error(1, -err, "attach");
}

static void show_counter(const char *label, int cgroup, struct bpf_object *obj)
{
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(cgroup),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	__u64 packets = 0;
	int counts, err;

	counts = bpf_object__find_map_fd_by_name(obj, "counts");
	err = bpf_map_lookup_elem(counts, &key, &packets);
	show_number(label, err, packets);
}

int main(void)
{
	int web = make_cgroup(-1, "web");
	struct bpf_object *first, *second;

	first = load_generation();
	begin_generation(web, first);
	send_packet(web);
	send_packet(web);
	show_counter("first generation", web, first);

	second = load_generation();
	begin_generation(web, second);
	show_counter("second starts at", web, second);
	send_packet(web);
	show_counter("second generation", web, second);

	/* since 5.9 it remains, and no longer changes; before, ENOENT */
	show_counter("first map later", web, first);
	bpf_object__close(first);

	bpf_object__close(second);
	return 0;
}
