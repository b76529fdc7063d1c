// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From a hash keyed by cgroup id: keep the __u64 key where the kernel takes
 * it, and attach to each cgroup that is to have an entry.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* From 5.9 on the key may be the cgroup id alone. */
static int probe_u64_key(void)
{
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "probe", sizeof(__u64),
			    sizeof(__u64), 0, NULL);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* A child's attachment hides that of its parent. */
static void attach(int cgroup, int prog)
{
	int err;

	err = bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_OVERRIDE);
	if (err)
		error(1, -err, "attach");
}

static void show_counter(const char *label, int counts, const void *key)
{
	__u64 packets = 0;
	int err;

	err = bpf_map_lookup_elem(counts, key, &packets);
	show_number(label, err, packets);
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	int app = make_cgroup(web, "app");
	/* the 8-byte key is the first member of this one */
	struct bpf_cgroup_storage_key parent = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	}, child = {
		.cgroup_inode_id = cgroup_id(app),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	struct bpf_object *obj;
	struct bpf_map *map;
	int prog, counts, err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	map = bpf_object__find_map_by_name(obj, "counts");
	if (!map)
		error(1, ENOENT, "counts in %s", file);

	err = probe_u64_key();
	show_result("u64 key", err);
	if (err == -EINVAL)
		err = bpf_map__set_key_size(map, sizeof(child));
	if (err)
		error(1, -err, "key size");

	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	counts = bpf_map__fd(map);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));

	/* counted where the program is attached: in the parent */
	attach(web, prog);
	send_packet(app);
	show_counter("child unattached", counts, &child);

	attach(app, prog);
	send_packet(app);
	send_packet(app);
	show_counter("parent", counts, &parent);
	show_counter("child", counts, &child);

	/* user space cannot delete: the entry is freed with its cgroup */
	err = bpf_map_delete_elem(counts, &child);
	show_result("delete", err);
	remove_cgroup(app);
	wait_until_gone(counts, &child);
	show_counter("after rmdir", counts, &child);

	bpf_object__close(obj);
	return 0;
}
