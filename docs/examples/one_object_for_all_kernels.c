// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One object for old and new kernels: try the 8-byte key, fall back to the
 * 16-byte one, and add up all entries of the cgroup.
 */
#include <errno.h>
#include <error.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "example.h"

/* A map that differs from one that works everywhere in its key size only. */
static int probe_8_byte_key(void)
{
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_CGROUP_STORAGE, "probe", sizeof(__u64),
			    sizeof(__u64), 0, NULL);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/*
 * How many entries the map has, and the sum of those of the cgroup. The id
 * comes first in both kinds of keys.
 */
static int add_up(int counts, __u64 id, __u64 *sum)
{
	struct bpf_cgroup_storage_key key, *previous = NULL;
	int entries = 0;
	__u64 packets;

	*sum = 0;
	while (!bpf_map_get_next_key(counts, previous, &key)) {
		previous = &key;
		if (bpf_map_lookup_elem(counts, &key, &packets))
			continue;	/* before 7.1 the last key is none */
		entries++;
		if (key.cgroup_inode_id == id)
			*sum += packets;
	}
	return entries;
}

int main(void)
{
	const char *file = object_file();
	int web = make_cgroup(-1, "web");
	int prog, counts, entries, err;
	struct bpf_object *obj;
	struct bpf_map *map;
	__u64 packets;

	obj = bpf_object__open_file(file, NULL);
	if (!obj)
		error(1, errno, "open %s", file);
	map = bpf_object__find_map_by_name(obj, "counts");
	if (!map)
		error(1, ENOENT, "counts in %s", file);

	err = probe_8_byte_key();
	show_result("8-byte key", err);
	if (err == -EINVAL)
		err = bpf_map__set_key_size(map,
				sizeof(struct bpf_cgroup_storage_key));
	if (err)
		error(1, -err, "key size");

	err = bpf_object__load(obj);
	if (err)
		error(1, -err, "load %s", file);
	counts = bpf_map__fd(map);
	prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
	err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_INGRESS,
			      BPF_F_ALLOW_MULTI);
	if (!err)
		err = bpf_prog_attach(prog, web, BPF_CGROUP_INET_EGRESS,
				      BPF_F_ALLOW_MULTI);
	if (err)
		error(1, -err, "attach");

	receive_packet(web);
	send_packet(web);
	send_packet(web);
	entries = add_up(counts, cgroup_id(web), &packets);
	show_number("entries", 0, entries);
	show_number("packets", 0, packets);

	bpf_object__close(obj);
	return 0;
}
