// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Keep attach types apart, whatever the kernel compares: a map for each. */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

static void attach(int cgroup, struct bpf_object *obj, const char *name,
		   enum bpf_attach_type type)
{
	int prog, err;

	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, name));
	err = bpf_prog_attach(prog, cgroup, type, BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach %s", name);
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
	};
	struct bpf_object *obj;
	__u64 packets = 0;
	int in, out, err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	in = bpf_object__find_map_fd_by_name(obj, "in");
	out = bpf_object__find_map_fd_by_name(obj, "out");
	if (in < 0 || out < 0)
		error(1, ENOENT, "in or out in %s", file);

	attach(web, obj, "count_in", BPF_CGROUP_INET_INGRESS);
	attach(web, obj, "count_out", BPF_CGROUP_INET_EGRESS);
	receive_packet(web);
	send_packet(web);
	send_packet(web);

	key.attach_type = BPF_CGROUP_INET_INGRESS;
	err = bpf_map_lookup_elem(in, &key, &packets);
	show_number("in", err, packets);
	key.attach_type = BPF_CGROUP_INET_EGRESS;
	err = bpf_map_lookup_elem(out, &key, &packets);
	show_number("out", err, packets);

	bpf_object__close(obj);
	return 0;
}
