// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Create maps whose values have no bytes, which only the first 4.19 releases
 * took, and one byte, which all take.
 */
#include <errno.h>
#include <error.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* Load the program with a map whose values have @size bytes. */
static int try_size(__u32 size)
{
	const char *file = object_file();
	struct bpf_object *obj;
	struct bpf_map *map;
	int err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	map = bpf_object__find_map_by_name(obj, "members");
	if (!map)
		error(1, ENOENT, "members in %s", file);
	err = bpf_map__set_value_size(map, size);
	if (err)
		error(1, -err, "%u bytes", size);
	err = bpf_object__load(obj);
	bpf_object__close(obj);
	return err;
}

int main(void)
{
	show_result("no bytes", try_size(0));
	show_result("one byte", try_size(1));
	return 0;
}
