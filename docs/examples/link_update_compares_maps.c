// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Update a link to a program with another storage map, and from one that
 * has none. Many kernels allow it, and the second one then breaks them:
 * run this in a virtual machine only.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

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

static void show_value(const char *label, struct bpf_object *obj,
		       const char *name, int cgroup)
{
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(cgroup),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	__u64 value = 0;
	int err;

	err = bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(obj, name),
				  &key, &value);
	show_number(label, err, value);
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web"), db = make_cgroup(-1, "db");
	struct bpf_object *obj;
	int link, bare, err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);

	link = bpf_link_create(program(obj, "count"), web,
			       BPF_CGROUP_INET_EGRESS, NULL);
	show_result("link", link);
	if (link < 0) {
		bpf_object__close(obj);
		return 0;
	}
	send_packet(web);
	err = bpf_link_update(link, program(obj, "other"), NULL);
	show_result("update to another map", err);
	send_packet(web);
	show_value("counts", obj, "counts", web);
	show_value("others", obj, "others", web);

	bare = bpf_link_create(program(obj, "plain"), db,
			       BPF_CGROUP_INET_EGRESS, NULL);
	if (bare < 0)
		error(1, -bare, "link");
	err = bpf_link_update(bare, program(obj, "other"), NULL);
	show_result("update from no map", err);
	show_verdict("packet", try_to_send(db));

	close(bare);
	close(link);
	bpf_object__close(obj);
	return 0;
}
