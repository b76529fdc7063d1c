// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A map with the shortest key that the kernel accepts. */
/* [begin shown] */
#include <errno.h>

#include <bpf/bpf.h>

static int create(__u32 key_size)
{
	return bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "counts", key_size,
			      sizeof(__u64), 0, NULL);
}

int create_counts(__u32 *key_size)
{
	int map;

	*key_size = sizeof(__u64);
	map = create(*key_size);
	if (map != -EINVAL)
		return map;
	*key_size = sizeof(struct bpf_cgroup_storage_key); /* before 5.9 */
	return create(*key_size);
}
/* [end shown] */
