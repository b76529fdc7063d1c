// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Call a function for each entry, on every release. */
/* [begin shown] */
#include <errno.h>

#include <bpf/bpf.h>

typedef void (*act_t)(const struct bpf_cgroup_storage_key *key, __u64 value);

int for_each_entry(int map, act_t act)
{
	struct bpf_cgroup_storage_key key, *last = NULL;
	__u64 value;
	int err;

	while (!(err = bpf_map_get_next_key(map, last, &key))) {
		last = &key;
		err = bpf_map_lookup_elem(map, &key, &value);
		if (err == -ENOENT)	/* removed, or an invalid key */
			continue;
		if (err)
			return err;
		act(&key, value);
	}
	return err == -ENOENT ? 0 : err;
}
/* [end shown] */
