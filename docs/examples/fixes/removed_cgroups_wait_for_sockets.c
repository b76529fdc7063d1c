// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Read the last value of a cgroup, and remove the cgroup. */
/* [begin shown] */
#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>

int read_and_remove(int map, const void *key, const char *path, __u64 *value)
{
	int err;

	err = bpf_map_lookup_elem(map, key, value);
	if (err)
		return err;
	return rmdir(path) ? -errno : 0;
}
/* [end shown] */
