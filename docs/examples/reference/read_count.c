// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

/* the handle of a cgroup's directory holds its id, on every kernel */
int get_cgroup_id(const char *path, __u64 *id)
{
	char room[sizeof(struct file_handle) + sizeof(*id)];
	struct file_handle *handle = (struct file_handle *)room;
	int mount;

	handle->handle_bytes = sizeof(*id);
	if (name_to_handle_at(AT_FDCWD, path, handle, &mount, 0))
		return -errno;
	memcpy(id, handle->f_handle, sizeof(*id));
	return 0;
}

/* a map whose key is the id alone takes &key.cgroup_inode_id as the key */
int read_count(int map_fd, const char *path, __u64 *count)
{
	struct bpf_cgroup_storage_key key = {
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	int err = get_cgroup_id(path, &key.cgroup_inode_id);

	if (err)
		return err;
	return bpf_map_lookup_elem(map_fd, &key, count);
}
