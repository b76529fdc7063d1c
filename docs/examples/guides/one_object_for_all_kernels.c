// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Use the 8-byte key where the kernel accepts it. */
/* [begin shown] */
#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* Call this before bpf_object__load(). */
int choose_key_size(struct bpf_map *counts)
{
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "probe", sizeof(__u64),
			    sizeof(__u64), 0, NULL);
	if (fd == -EINVAL)	/* before 5.9 */
		return bpf_map__set_key_size(counts,
				sizeof(struct bpf_cgroup_storage_key));
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Add up the entries of a cgroup. The id is the first field of both keys. */
int read_total(int counts, __u64 id, __u64 *total)
{
	struct bpf_cgroup_storage_key key, *last = NULL;
	__u64 packets;
	int err;

	*total = 0;
	while (!(err = bpf_map_get_next_key(counts, last, &key))) {
		last = &key;
		err = bpf_map_lookup_elem(counts, &key, &packets);
		if (err == -ENOENT)	/* removed, or an invalid key */
			continue;
		if (err)
			return err;
		if (key.cgroup_inode_id == id)
			*total += packets;
	}
	return err == -ENOENT ? 0 : err;
}
/* [end shown] */
