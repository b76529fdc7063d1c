// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Copy an entry to the new map, read it and delete it. */
/* [begin shown] */
#include <fcntl.h>
#include <unistd.h>

#include <bpf/bpf.h>

/* Copy a value of the old map. -EEXIST: the new program already counts. */
int copy_entry(int old_map, const struct bpf_cgroup_storage_key *old_key,
	       int new_map, const char *path)
{
	int err, cgroup = open(path, O_RDONLY | O_DIRECTORY);
	__u64 value;

	err = bpf_map_lookup_elem(old_map, old_key, &value);
	if (!err)
		err = bpf_map_update_elem(new_map, &cgroup, &value,
					  BPF_NOEXIST);
	close(cgroup);
	return err;
}

/* Reset: detaching a program does not remove its entries. */
int delete_entry(int new_map, const char *path)
{
	int err, cgroup = open(path, O_RDONLY | O_DIRECTORY);

	err = bpf_map_delete_elem(new_map, &cgroup);
	close(cgroup);
	return err;
}
/* [end shown] */
