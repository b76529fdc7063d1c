// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Ask the kernel whether it knows locks in values, load the program that
 * suits, and write and read its count under the lock.
 */
#include <errno.h>
#include <error.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

struct counts {
	__u64 packets;
	struct bpf_spin_lock lock;	/* reads back as zero */
};

/* Open the object, with one program to load or with none. */
static struct bpf_object *open_with(const char *program_name)
{
	const char *file = object_file();
	struct bpf_program *program;
	struct bpf_object *obj;
	bool wanted;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	bpf_object__for_each_program(program, obj) {
		wanted = program_name &&
			 !strcmp(bpf_program__name(program), program_name);
		bpf_program__set_autoload(program, wanted);
	}
	return obj;
}

static void load(struct bpf_object *obj)
{
	int err;

	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", object_file());
}

/* [begin shown] */
/* A map like @map, with its BTF: not as libbpf, which tries without too. */
static int create_with_btf(struct bpf_object *obj, const struct bpf_map *map,
			   __u32 key_type, __u32 value_type)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		.btf_fd = bpf_object__btf_fd(obj),
		.btf_key_type_id = key_type,
		.btf_value_type_id = value_type);

	return bpf_map_create(bpf_map__type(map), bpf_map__name(map),
			      bpf_map__key_size(map), bpf_map__value_size(map),
			      0, &opts);
}

/* ENOENT: the kernel has found the lock. EINVAL: it knows no BPF_F_LOCK. */
static int probe_lock(int map)
{
	const struct bpf_cgroup_storage_key nobody = {};
	const struct counts zero = {};

	return bpf_map_update_elem(map, &nobody, &zero, BPF_F_LOCK);
}

static void write_and_read(int map, const void *key, int cgroup)
{
	struct counts value = { .packets = 5 };
	int err;

	/* in place, under the lock */
	err = bpf_map_update_elem(map, key, &value, BPF_F_LOCK);
	show_result("locked update", err);
	send_packet(cgroup);
	err = bpf_map_lookup_elem_flags(map, key, &value, BPF_F_LOCK);
	show_number("locked lookup", err, value.packets);
}
/* [end shown] */

int main(void)
{
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	__u32 key_type, value_type;
	struct bpf_object *obj;
	const char *program;
	struct bpf_map *map;
	int fd, prog, err;

	obj = open_with(NULL);
	map = bpf_object__find_map_by_name(obj, "counts");
	if (!map)
		error(1, ENOENT, "counts in %s", object_file());
	key_type = bpf_map__btf_key_type_id(map);
	value_type = bpf_map__btf_value_type_id(map);
	load(obj);
	fd = create_with_btf(obj, map, key_type, value_type);
	show_result("create with BTF", fd < 0 ? fd : 0);
	if (fd < 0)
		return 0;
	err = probe_lock(fd);
	show_result("locked update of no entry", err);
	close(fd);
	bpf_object__close(obj);

	program = err == -ENOENT ? "count_locked" : "count";
	obj = open_with(program);
	load(obj);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, program));
	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
	fd = bpf_object__find_map_fd_by_name(obj, "counts");
	write_and_read(fd, &key, web);

	bpf_object__close(obj);
	return 0;
}
