// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <bpf/bpf.h>

/* -ENOENT: this cgroup has no storage */
int read_cgrp_count(int map_fd, const char *path, long *count)
{
	int err, cgroup_fd = open(path, O_RDONLY | O_DIRECTORY);

	if (cgroup_fd < 0)
		return -errno;
	err = bpf_map_lookup_elem(map_fd, &cgroup_fd, count);
	close(cgroup_fd);
	return err;
}
