// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Get the id of a cgroup from the path of its directory. */
/* [begin shown] */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <linux/types.h>

/* The id that the keys contain, such as of "/sys/fs/cgroup/web". */
int get_cgroup_id(const char *path, __u64 *id)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(*id)];
	} u = { .handle.handle_bytes = sizeof(*id) };
	int mount;

	if (name_to_handle_at(AT_FDCWD, path, &u.handle, &mount, 0))
		return -errno;
	memcpy(id, u.handle.f_handle, sizeof(*id));
	return 0;
}
/* [end shown] */
