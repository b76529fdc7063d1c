// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Create the map with the BTF of its key and value, with that of a key which
 * has an enum, and without BTF. libbpf does the first for each map, and the
 * last where the kernel refuses.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* The BTF ids of a map; libbpf forgets them where the kernel refuses BTF. */
struct types {
	__u32 key;
	__u32 value;
};

static struct types types_of(const struct bpf_map *map)
{
	struct types types = {
		.key = bpf_map__btf_key_type_id(map),
		.value = bpf_map__btf_value_type_id(map),
	};

	return types;
}

/* [begin shown] */
/* Try to create the map, without BTF if @btf is 0. */
static int try_to_create(int btf, struct types types)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		.btf_fd = btf,
		.btf_key_type_id = types.key,
		.btf_value_type_id = types.value);
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "counts",
			    sizeof(struct bpf_cgroup_storage_key),
			    sizeof(__u64), 0, &opts);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void try_all(int btf, struct types good, struct types bad)
{
	const struct types none = {};

	show_result("enum in the key", try_to_create(btf, bad));
	show_result("create without BTF", try_to_create(0, none));
	/* 524 on 4.19 and 4.20: the kernel's own ENOTSUPP */
	show_result("create with BTF", try_to_create(btf, good));
}
/* [end shown] */

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	struct bpf_cgroup_storage_key key = {
		.cgroup_inode_id = cgroup_id(web),
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	struct bpf_map *counts, *with_enum;
	struct types good, bad;
	struct bpf_object *obj;
	__u64 packets = 0;
	int prog, err;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	counts = bpf_object__find_map_by_name(obj, "counts");
	with_enum = bpf_object__find_map_by_name(obj, "with_enum");
	if (!counts || !with_enum)
		error(1, ENOENT, "counts or with_enum in %s", file);
	good = types_of(counts);
	bad = types_of(with_enum);
	err = bpf_map__set_autocreate(with_enum, false);
	if (!err)
		err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	try_all(bpf_object__btf_fd(obj), good, bad);

	/* the map that libbpf has created, with BTF or without */
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
			      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");
	send_packet(web);
	send_packet(web);
	err = bpf_map_lookup_elem(bpf_map__fd(counts), &key, &packets);
	show_number("two packets", err, packets);

	bpf_object__close(obj);
	return 0;
}
