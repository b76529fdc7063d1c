// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Get the id of a cgroup from a descriptor of its directory. */
/* [begin shown] */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <linux/types.h>

int get_cgroup_id(int cgroup, __u64 *id)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(*id)];
	} u = { .handle.handle_bytes = sizeof(*id) };
	int mount;

	if (name_to_handle_at(cgroup, "", &u.handle, &mount, AT_EMPTY_PATH))
		return -errno;
	memcpy(id, u.handle.f_handle, sizeof(*id));
	return 0;
}
/* [end shown] */
