// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Replace the program of a hook without a gap. */
/* [begin shown] */
#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/*
 * Load the new version. To keep the data, pass the old map: before 5.9 this
 * fails with -EBUSY. To reset the data, pass -1.
 */
int load_version(struct bpf_object *obj, const char *map_name, int old_map)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, map_name);
	int err = 0;

	if (!map)
		return -ENOENT;
	if (old_map >= 0)
		err = bpf_map__reuse_fd(map, old_map);
	return err ? err : bpf_object__load(obj);
}

/* Replace the program that is attached with flags 0. */
int replace(int cgroup, enum bpf_attach_type type, int new_prog)
{
	return bpf_prog_attach(new_prog, cgroup, type, 0);
}

/* After -EBUSY: attach a program that has a new map, and copy the value. */
int replace_and_copy(int cgroup, int new_prog, int old_map, int new_map,
		     const struct bpf_cgroup_storage_key *key)
{
	__u64 value;
	int err;

	err = bpf_map_lookup_elem(old_map, key, &value);
	if (!err)
		err = replace(cgroup, key->attach_type, new_prog);
	if (!err)
		err = bpf_map_update_elem(new_map, key, &value, BPF_EXIST);
	return err;
}
/* [end shown] */
