// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Create maps of both types whose values have a spin lock, with BTF that
 * says so. libbpf would try again without BTF, and without a lock.
 */
#include <errno.h>
#include <error.h>
#include <stdbool.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* A map of the object that libbpf does not create. */
static struct bpf_map *leave_out(struct bpf_object *obj, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);
	int err;

	if (!map)
		error(1, ENOENT, "%s", name);
	err = bpf_map__set_autocreate(map, false);
	if (err)
		error(1, -err, "%s", name);
	return map;
}

/* [begin shown] */
static int try_to_create(int btf, const struct bpf_map *map)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		.btf_fd = btf,
		.btf_key_type_id = bpf_map__btf_key_type_id(map),
		.btf_value_type_id = bpf_map__btf_value_type_id(map));
	int fd;

	fd = bpf_map_create(bpf_map__type(map), bpf_map__name(map),
			    bpf_map__key_size(map), bpf_map__value_size(map),
			    0, &opts);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void try_both(int btf, const struct bpf_map *per_cpu,
		     const struct bpf_map *shared)
{
	/* 524, and since 6.2 95 */
	show_result("lock in a per-CPU value", try_to_create(btf, per_cpu));
	show_result("lock in a shared value", try_to_create(btf, shared));
}
/* [end shown] */

int main(void)
{
	const char *file = object_file();
	struct bpf_map *per_cpu, *shared;
	struct bpf_program *count;
	struct bpf_object *obj;
	int err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	per_cpu = leave_out(obj, "per_cpu");
	shared = leave_out(obj, "shared");
	leave_out(obj, "counts");
	/* only the BTF is loaded: 4.19 has no per-CPU type to count in */
	count = bpf_object__find_program_by_name(obj, "count");
	err = bpf_program__set_autoload(count, false);
	if (!err)
		err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	try_both(bpf_object__btf_fd(obj), per_cpu, shared);

	bpf_object__close(obj);
	return 0;
}
