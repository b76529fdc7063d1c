// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Iterate over all entries, on every release. */
/* [begin shown] */
#include <errno.h>
#include <stdio.h>

#include <bpf/bpf.h>

int print_all(int map)
{
	struct bpf_cgroup_storage_key key, *last = NULL;
	__u64 value;
	int err;

	while (!(err = bpf_map_get_next_key(map, last, &key))) {
		last = &key;
		err = bpf_map_lookup_elem(map, &key, &value);
		if (err == -ENOENT) /* removed, or the invalid trailing key */
			continue;
		if (err)
			return err;
		printf("cgroup %llu: %llu\n", key.cgroup_inode_id, value);
	}
	return err == -ENOENT ? 0 : err;
}
/* [end shown] */
