// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Keep a map to one instance of an agent, without relying on EBUSY. */
/* [begin shown] */
#include <unistd.h>

#include <bpf/bpf.h>

/* Call this first: a new, pinned map, or -EEXIST in a second instance. */
int create_and_pin(const char *pin)
{
	int map, err;

	map = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "counts",
			     sizeof(struct bpf_cgroup_storage_key),
			     sizeof(__u64), 0, NULL);
	if (map < 0)
		return map;
	err = bpf_obj_pin(map, pin);
	if (!err)
		return map;
	close(map);
	return err;
}
/* [end shown] */
