// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Create maps with a spin lock in the value that programs only read or only
 * write, and freeze one that they read and write.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* The BTF ids of the map; libbpf forgets them where the kernel refuses BTF. */
static __u32 key_type, value_type;

/* [begin shown] */
/* A map like @limits, with BTF for its lock. */
static int create(int btf, const struct bpf_map *limits, __u32 flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		.btf_fd = btf,
		.btf_key_type_id = key_type,
		.btf_value_type_id = value_type,
		.map_flags = flags);

	return bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "limits",
			      bpf_map__key_size(limits),
			      bpf_map__value_size(limits), 0, &opts);
}

static int try_to_create(int btf, const struct bpf_map *limits, __u32 flags)
{
	int fd;

	fd = create(btf, limits, flags);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void try_all(int btf, const struct bpf_map *limits)
{
	int fd, err;

	err = try_to_create(btf, limits, BPF_F_RDONLY_PROG);
	show_result("programs only read", err);
	/* EACCES since 6.2 */
	err = try_to_create(btf, limits, BPF_F_WRONLY_PROG);
	show_result("programs only write", err);

	fd = create(btf, limits, 0);
	show_result("programs read and write", fd < 0 ? fd : 0);
	if (fd < 0)
		return;
	/* 524 since 6.2 */
	show_result("freeze", bpf_map_freeze(fd));
	close(fd);
}
/* [end shown] */

int main(void)
{
	const char *file = object_file();
	struct bpf_object *obj;
	struct bpf_map *limits;
	int err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	limits = bpf_object__find_map_by_name(obj, "limits");
	if (!limits)
		error(1, ENOENT, "limits in %s", file);
	key_type = bpf_map__btf_key_type_id(limits);
	value_type = bpf_map__btf_value_type_id(limits);
	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	try_all(bpf_object__btf_fd(obj), limits);

	bpf_object__close(obj);
	return 0;
}
