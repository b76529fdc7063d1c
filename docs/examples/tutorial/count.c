// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* The id that the key contains, on every kernel. */
static int get_cgroup_id(const char *path, __u64 *id)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(*id)];
	} u = { .handle.handle_bytes = sizeof(*id) };
	int mount;

	if (name_to_handle_at(AT_FDCWD, path, &u.handle, &mount, 0))
		return -1;
	memcpy(id, u.handle.f_handle, sizeof(*id));
	return 0;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/sys/fs/cgroup";
	struct bpf_cgroup_storage_key key = {
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	struct bpf_object *object = bpf_object__open_file("count.bpf.o", NULL);
	int cgroup = open(path, O_RDONLY | O_DIRECTORY);
	struct bpf_program *program;
	int second, prog, map;
	__u64 packets;

	if (cgroup < 0 || get_cgroup_id(path, &key.cgroup_inode_id)) {
		perror(path);
		return 1;
	}
	if (!object || bpf_object__load(object)) {
		perror("count.bpf.o");
		return 1;
	}
	program = bpf_object__find_program_by_name(object, "count");
	prog = bpf_program__fd(program);
	map = bpf_object__find_map_fd_by_name(object, "counts");
	if (bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS,
			    BPF_F_ALLOW_MULTI)) {
		perror("attach");
		return 1;
	}
	for (second = 0; second < 10; second++) {
		sleep(1);
		if (bpf_map_lookup_elem(map, &key, &packets)) {
			perror("lookup");
			break;
		}
		printf("%llu packets\n", packets);
		fflush(stdout);
	}
	bpf_prog_detach2(prog, cgroup, BPF_CGROUP_INET_EGRESS);
	return 0;
}
