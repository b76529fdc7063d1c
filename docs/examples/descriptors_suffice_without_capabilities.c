// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a process without capabilities can do with descriptors that it was
 * given, while kernel.unprivileged_bpf_disabled is 2: nothing before 5.19.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

static int web, counts, count, guard;

/* [begin shown] */
static void use_descriptors(void)
{
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	__u64 value = 0;
	int err, map;

	err = bpf_map_lookup_elem(counts, &key, &value);
	show_number("lookup", err, value);
	value = 0;
	err = bpf_map_update_elem(counts, &key, &value, BPF_ANY);
	show_result("update", err);
	err = bpf_prog_attach(guard, web, BPF_CGROUP_INET4_CONNECT,
			      BPF_F_ALLOW_MULTI);
	show_result("attach", err);
	err = bpf_prog_detach2(count, web, BPF_CGROUP_INET_EGRESS);
	show_result("detach", err);

	map = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "mine", sizeof(key),
			     sizeof(value), 0, NULL);
	show_result("create a map", map < 0 ? map : 0);
	if (map >= 0)
		close(map);
}
/* [end shown] */

int main(void)
{
	const char *file = object_file();
	struct bpf_object *obj;
	int err;

	web = make_cgroup(-1, "web");
	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	counts = bpf_object__find_map_fd_by_name(obj, "counts");
	count = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	guard = bpf_program__fd(bpf_object__find_program_by_name(obj, "guard"));
	if (counts < 0 || count < 0 || guard < 0)
		error(1, ENOENT, "counts, count or guard in %s", file);
	err = bpf_prog_attach(count, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
	send_packet(web);

	without_capabilities(use_descriptors);

	bpf_object__close(obj);
	return 0;
}
