// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Load a program with the map of another one. */
/* [begin shown] */
#include <bpf/libbpf.h>

/* Load @obj with the existing map @fd in place of its map @name. */
int load_with_map(struct bpf_object *obj, const char *name, int fd)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);
	int err;

	err = bpf_map__reuse_fd(map, fd);
	return err ? err : bpf_object__load(obj);
}
/* [end shown] */
