// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Detach a program and attach it again: before 5.9 its counter restarts at
 * zero, since 5.9 it continues.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

static void show_value(const char *label, int map, const void *key)
{
	__u64 packets = 0;
	int err;

	err = bpf_map_lookup_elem(map, key, &packets);
	show_number(label, err, packets);
}

static void attach(int cgroup, int prog)
{
	int err;

	err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	int i, prog, counts, err;
	struct bpf_object *obj;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	counts = bpf_object__find_map_fd_by_name(obj, "counts");
	if (prog < 0 || counts < 0)
		error(1, ENOENT, "count or counts in %s", file);

	attach(web, prog);
	for (i = 0; i < 3; i++)
		send_packet(web);
	show_value("before detach", counts, &key);

	err = bpf_prog_detach2(prog, web, BPF_CGROUP_INET_EGRESS);
	if (err)
		error(1, -err, "detach");
	show_value("while detached", counts, &key);

	attach(web, prog);
	show_value("after attaching again", counts, &key);
	send_packet(web);
	show_value("one packet later", counts, &key);

	bpf_object__close(obj);
	return 0;
}
