// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Add up the values of all keys, without batch commands. */
/* [begin shown] */
#include <errno.h>

#include <bpf/bpf.h>

int sum_values(int map, __u64 *sum)
{
	struct bpf_cgroup_storage_key key, *last = NULL;
	__u64 value;
	int err;

	*sum = 0;
	while (!(err = bpf_map_get_next_key(map, last, &key))) {
		if (!bpf_map_lookup_elem(map, &key, &value))
			*sum += value;
		last = &key;
	}
	return err == -ENOENT ? 0 : err;
}
/* [end shown] */
