// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Try keys of 12 and of 8 bytes; count with the 8-byte key where the kernel
 * takes it, else with the struct of 16 bytes.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

static int try_key(enum bpf_map_type type, __u32 key_size)
{
	int fd;

	fd = bpf_map_create(type, "probe", key_size, sizeof(__u64), 0, NULL);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	/* the 8-byte key is the first member of this one */
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	struct bpf_object *obj;
	struct bpf_map *counts;
	__u64 packets = 0;
	int prog, err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	counts = bpf_object__find_map_by_name(obj, "counts");
	if (!counts)
		error(1, ENOENT, "counts in %s", file);

	/* the two members of the struct have 12 bytes, and 4 of padding */
	err = try_key(BPF_MAP_TYPE_CGROUP_STORAGE, 12);
	show_result("12 bytes", err);
	err = try_key(BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, sizeof(__u64));
	show_result("8 bytes, per-CPU", err);
	err = try_key(BPF_MAP_TYPE_CGROUP_STORAGE, sizeof(__u64));
	show_result("8 bytes", err);
	if (err == -EINVAL)
		err = bpf_map__set_key_size(counts, sizeof(key));
	if (err)
		error(1, -err, "key size");

	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
	send_packet(web);
	send_packet(web);
	err = bpf_map_lookup_elem(bpf_map__fd(counts), &key, &packets);
	show_number("two packets", err, packets);

	bpf_object__close(obj);
	return 0;
}
