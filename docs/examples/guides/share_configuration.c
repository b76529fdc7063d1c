// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Let two programs use one map, or copy the value between two. */
/* [begin shown] */
#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* Call this before loading, with the maps of the writer and the reader. */
int choose_maps(struct bpf_map *writer, struct bpf_map *reader)
{
	const __u32 with_type = sizeof(struct bpf_cgroup_storage_key);
	int err, shared = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "config",
					 sizeof(__u64), sizeof(__u64), 0, NULL);

	if (shared == -EINVAL) {	/* before 5.9: two maps */
		err = bpf_map__set_key_size(writer, with_type);
		return err ? err : bpf_map__set_key_size(reader, with_type);
	}
	if (shared < 0)
		return shared;
	err = bpf_map__reuse_fd(writer, shared);
	if (!err)
		err = bpf_map__reuse_fd(reader, shared);
	close(shared);
	return err;
}

/* With two maps, call this after each change, so that the reader sees it. */
int copy_value(int writer, int reader, __u64 id)
{
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = id,
		.attach_type = BPF_CGROUP_SETSOCKOPT,
	};
	__u64 value;
	int err;

	err = bpf_map_lookup_elem(writer, &key, &value);
	key.attach_type = BPF_CGROUP_INET4_CONNECT;
	return err ? err : bpf_map_update_elem(reader, &key, &value, BPF_EXIST);
}
/* [end shown] */
