// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Create a map that only one instance can use. */
/* [begin shown] */
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* Create and pin a map: its descriptor, or -EEXIST in a second instance. */
int create_exclusive(const char *pin)
{
	int err, map = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "counts",
				      sizeof(struct bpf_cgroup_storage_key),
				      sizeof(__u64), 0, NULL);

	if (map < 0)
		return map;
	err = bpf_obj_pin(map, pin);
	if (err) {
		close(map);
		return err;
	}
	return map;
}

/* Load @obj with this map, and attach its programs afterwards. */
int load_with(struct bpf_object *obj, const char *name, int map)
{
	int err;

	err = bpf_map__reuse_fd(bpf_object__find_map_by_name(obj, name), map);
	return err ? err : bpf_object__load(obj);
}
/* [end shown] */
