// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

void list_counts(int map_fd)
{
	struct bpf_cgroup_storage_key key, *last = NULL;
	__u64 count;

	while (!bpf_map_get_next_key(map_fd, last, &key)) {
		last = &key;
		if (bpf_map_lookup_elem(map_fd, &key, &count))
			continue;	/* removed meanwhile, or no key */
		printf("%llu %u: %llu\n", key.cgroup_inode_id,
		       key.attach_type, count);
	}
}
