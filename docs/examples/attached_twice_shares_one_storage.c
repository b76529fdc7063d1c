// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Attach a program directly and through a link. In 5.7 and 5.8 this corrupts
 * the map: run this in a virtual machine only.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

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

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	int prog, counts, link, err;
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

	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	show_result("attach", err);
	/* links exist since 5.7, and this works since 5.9 */
	link = bpf_link_create(prog, web, BPF_CGROUP_INET_EGRESS, NULL);
	show_result("link", link);
	send_packet(web);
	show_value("one packet", counts, &key);

	err = bpf_prog_detach2(prog, web, BPF_CGROUP_INET_EGRESS);
	if (err)
		error(1, -err, "detach");
	show_value("after detach", counts, &key);
	send_packet(web);
	show_value("one more packet", counts, &key);

	if (link >= 0)
		close(link);
	bpf_object__close(obj);
	return 0;
}
