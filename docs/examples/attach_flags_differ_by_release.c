// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Try the attach flags that came later, each with a program of its own, and
 * see in which order the programs run: the version does not tell, trying does.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

#define ATTACH_BEFORE	(1U << 3)	/* BPF_F_BEFORE, since 6.17 */
#define ATTACH_PREORDER	(1U << 6)	/* BPF_F_PREORDER, since 6.15 */

#define PROGRAMS	4
/* A hook has at most 64 programs of one cgroup; more can be effective. */
#define MOST_PROGRAMS	1024

static int progs[PROGRAMS];

static __u32 program_id(int prog)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int err;

	err = bpf_obj_get_info_by_fd(prog, &info, &size);
	if (err)
		error(1, -err, "program info");
	return info.id;
}

/* 1 for the first of our programs, and so on. */
static __u64 number_of(__u32 id)
{
	int i;

	for (i = 0; i < PROGRAMS; i++)
		if (program_id(progs[i]) == id)
			return i + 1;
	error(1, ENOENT, "program %u is not ours", id);
	return 0;
}

static void show_order(const char *label, int cgroup)
{
	__u32 ids[MOST_PROGRAMS], i, count = MOST_PROGRAMS;
	__u64 order[MOST_PROGRAMS];
	int err;

	err = bpf_prog_query(cgroup, BPF_CGROUP_INET_EGRESS,
			     BPF_F_QUERY_EFFECTIVE, NULL, ids, &count);
	if (err)
		error(1, -err, "query");
	for (i = 0; i < count; i++)
		order[i] = number_of(ids[i]);
	show_numbers(label, 0, order, count);
}

/* [begin shown] */
static int attach(int cgroup, int prog, __u32 flags)
{
	return bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS,
			       BPF_F_ALLOW_MULTI | flags);
}

/* Older kernels reject the flag with EINVAL, and change nothing. */
static void try_flags(int cgroup)
{
	LIBBPF_OPTS(bpf_prog_attach_opts, replace_first,
		.flags = BPF_F_ALLOW_MULTI | BPF_F_REPLACE,
		.replace_prog_fd = progs[0]);
	int err;

	err = bpf_prog_attach_opts(progs[1], cgroup, BPF_CGROUP_INET_EGRESS,
				   &replace_first);
	show_result("replace first", err);
	show_result("preorder", attach(cgroup, progs[2], ATTACH_PREORDER));
	show_result("before", attach(cgroup, progs[3], ATTACH_BEFORE));
	show_order("order", cgroup);
}
/* [end shown] */

int main(void)
{
	static const char *const names[PROGRAMS] = {
		"first", "second", "third", "fourth",
	};
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	struct bpf_program *program;
	struct bpf_object *obj;
	int i, counts, err;
	__u64 packets = 0;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	for (i = 0; i < PROGRAMS; i++) {
		program = bpf_object__find_program_by_name(obj, names[i]);
		progs[i] = bpf_program__fd(program);
		if (progs[i] < 0)
			error(1, ENOENT, "%s in %s", names[i], file);
	}
	counts = bpf_object__find_map_fd_by_name(obj, "counts");
	if (counts < 0)
		error(1, ENOENT, "counts in %s", file);

	err = attach(web, progs[0], 0);
	if (err)
		error(1, -err, "attach");
	send_packet(web);
	try_flags(web);
	err = bpf_map_lookup_elem(counts, &key, &packets);
	show_number("entry of first", err, packets);

	bpf_object__close(obj);
	return 0;
}
