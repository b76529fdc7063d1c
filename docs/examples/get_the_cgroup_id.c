// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Get the id of a cgroup, as it stands in keys, on every kernel: from
 * name_to_handle_at(), not from stat().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* The handle of a cgroup's directory is its id, 8 bytes of it. */
static __u64 id_of(int cgroup)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(__u64)];
	} u = { .handle.handle_bytes = sizeof(__u64) };
	int mount;
	__u64 id;

	if (name_to_handle_at(cgroup, "", &u.handle, &mount, AT_EMPTY_PATH))
		error(1, errno, "name_to_handle_at");
	memcpy(&id, u.handle.f_handle, sizeof(id));
	return id;
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = id_of(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	__u64 packets = 0, fifty = 50;
	struct bpf_object *obj;
	int prog, counts, err;
	struct stat st;

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
	if (err)
		error(1, -err, "attach");
	send_packet(web);

	/* they are the same since 5.5, on 64-bit kernels */
	if (fstat(web, &st))
		error(1, errno, "fstat");
	show_number("id is st_ino", 0, key.cgroup_inode_id == st.st_ino);

	err = bpf_map_lookup_elem(counts, &key, &packets);
	show_number("count", err, packets);
	err = bpf_map_update_elem(counts, &key, &fifty, BPF_EXIST);
	show_result("write", err);
	send_packet(web);
	err = bpf_map_lookup_elem(counts, &key, &packets);
	show_number("goes on at", err, packets);

	bpf_object__close(obj);
	return 0;
}
